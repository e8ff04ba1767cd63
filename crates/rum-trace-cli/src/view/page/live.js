// What the viewer tells by itself. One stream for the whole page; it rests while nobody
// looks, since a browser has six connections to a server for all of its tabs.

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 5000;
/** Until a loss is worth a word: a restart is over sooner. */
const GRACE_MS = 800;

const changes = new Set();
const states = new Set();
let source = null;
let state = 'connecting';
let retryMs = FIRST_RETRY_MS;
let retry = 0;
let grace = 0;

export function startLive() {
  open();
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close();
    else if (!source) open();
  });
}

/** `listener(data)` for each change; `listener(null)` if some may have been missed. */
export function onChange(listener) {
  changes.add(listener);
  return () => changes.delete(listener);
}

/** `connecting`, `live`, `lost`. */
export function onState(listener) {
  states.add(listener);
  listener(state);
  return () => states.delete(listener);
}

/** Calls `work` now and then, and once more at the end, however often it is asked. */
export function throttled(work, pauseMs) {
  let timer = 0;
  let waiting = false;
  const run = () => {
    waiting = false;
    timer = setTimeout(() => {
      timer = 0;
      if (waiting) run();
    }, pauseMs());
    work();
  };
  const ask = () => {
    waiting = true;
    if (!timer) run();
  };
  ask.stop = () => {
    clearTimeout(timer);
    timer = -1;
  };
  return ask;
}

function open() {
  clearTimeout(retry);
  source = new EventSource('/api/v1/events');
  source.addEventListener('open', opened);
  source.addEventListener('changed', (event) => tell(JSON.parse(event.data)));
  source.addEventListener('error', failed);
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

function opened() {
  retryMs = FIRST_RETRY_MS;
  clearTimeout(grace);
  grace = 0;
  become('live');
  // Whatever happened before: the pages ask anew.
  tell(null);
}

function failed() {
  grace ||= setTimeout(() => become('lost'), GRACE_MS);
  // Some browsers try again by themselves, some give up.
  if (source?.readyState !== EventSource.CLOSED) return;
  close();
  retry = setTimeout(open, retryMs);
  retryMs = Math.min(retryMs * 1.5, LAST_RETRY_MS);
}

function become(next) {
  if (state === next) return;
  state = next;
  for (const listener of states) listener(state);
}

function tell(data) {
  for (const listener of changes) listener(data);
}
