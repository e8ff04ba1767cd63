// All traces, newest first, as they arrive.

import { ApiError, get, isAbort } from './api.js';
import { arrivals } from './arrivals.js';
import { announce, fill, h } from './dom.js';
import { emptyStore, nothingFound } from './empty.js';
import { finder } from './finder.js';
import { count, plural } from './format.js';
import { linkKeys, setPageKeys } from './keys.js';
import { onChange, throttled } from './live.js';
import { message, traceHref } from './parts.js';
import { forget, whenFree } from './press.js';
import { fromAddress, toAddress } from './query.js';
import { go, href } from './router.js';
import { traceTable } from './table.js';

const PAGE = 100;
const REFRESH_MS = 1000;
/** Below this the reader is on top and sees what arrives. */
const TOP_PX = 90;
/** What was there when the page was left, for the way back. */
let kept = null;

export function openTraces(root, place) {
  document.title = 'Traces · rum-trace';
  const me = Symbol('traces');
  const list = arrivals();
  let filters = fromAddress(place.query);
  let paused = false;
  let answered = false;
  /** Events may be of another process than the list, until it has been asked for. */
  let trusted = false;
  let asked = 0;
  let newest = 0;
  let scope = new AbortController();
  const stop = [];

  const search = finder({
    onFilters: (changed, options) => go(href('traces', null, toAddress(changed)), options),
    onPause: (on) => {
      paused = on;
      draw();
      if (!on) refreshSoon();
    },
  });
  const table = traceTable({
    onOpen: (id) => go(traceHref(id)),
    onFilter: (key, value) => search.set(key, value),
  });
  const fresh = h('button.fresh-pill', { type: 'button', hidden: true, on: { click: showWaiting } });
  const more = h('button.button.more', { type: 'button', hidden: true, on: { click: loadMore } }, 'Older traces');
  const full = h('p.quiet', { hidden: true }, 'No more than these are shown at a time: filters find older ones.');
  const empty = h('div', { hidden: true });
  const failure = h('div.failure', { role: 'alert', hidden: true });
  fill(root, h('h1.sr-only', {}, 'Traces'), search.element, failure, h('div.fresh', {}, fresh), table.element, empty, more, full);

  const refreshSoon = throttled(refresh, () => REFRESH_MS);
  stop.push(onChange(changed), refreshSoon.stop, search.close, () => forget(me));
  addEventListener('scroll', scrolled, { passive: true });
  stop.push(() => removeEventListener('scroll', scrolled));
  const clock = setInterval(table.age, 5000);
  stop.push(() => clearInterval(clock));
  setPageKeys(keys(), HELP);

  search.show(filters);
  comeBack();
  refreshSoon();

  return {
    update(to) {
      filters = fromAddress(to.query);
      search.show(filters);
      startAnew();
      refresh();
    },
    close() {
      kept = { query: toAddress(filters), list: list.kept(), scroll: scrollY, focus: table.focused() };
      scope.abort();
      for (const each of stop) each();
    },
  };

  function keys() {
    return new Map([
      ...linkKeys(table.links),
      ['p', () => search.togglePause()],
      ['f', () => search.toggleFields()],
      ['Escape', () => (document.activeElement !== document.body ? document.activeElement.blur() : false)],
    ]);
  }

  /** What was asked for with other filters has no place any more. */
  function startAnew() {
    scope.abort();
    scope = new AbortController();
    answered = false;
    list.reset();
    draw();
  }

  /** As it was when the page was left, until the answer is there. */
  function comeBack() {
    if (kept?.query !== toAddress(filters)) return;
    list.restore(kept.list);
    table.show(list.shown());
    say();
    scrollTo(0, kept.scroll);
    table.focus(kept.focus);
  }

  async function refresh() {
    asked += 1;
    const number = asked;
    const answer = await ask({});
    // Of two the later one counts, whichever comes first.
    if (answer === null || number < newest) return;
    newest = number;
    failure.hidden = true;
    const first = !answered;
    answered = true;
    trusted = true;
    list.whole(answer);
    draw();
    if (first && filters.size > 0) announce(found(answer));
  }

  async function loadMore() {
    const before = list.oldest();
    if (before === null) return;
    more.disabled = true;
    const answer = await ask({ before });
    more.disabled = false;
    if (answer === null) return;
    announce(`${plural(list.older(before, answer), 'older trace')} loaded`);
    draw();
  }

  /** `null` if there is nothing to be shown of it. */
  async function ask(where) {
    const { signal } = scope;
    try {
      const answer = await get('traces', { ...Object.fromEntries(filters), limit: PAGE, ...where }, signal);
      return signal.aborted ? null : answer;
    } catch (error) {
      if (!isAbort(error)) failed(error);
      return null;
    }
  }

  function failed(error) {
    if (!(error instanceof ApiError)) throw error;
    // The banner says that the server is gone.
    if (error.status === 0) return;
    failure.hidden = false;
    fill(failure, message('The traces cannot be listed', h('p', {}, error.message)));
  }

  function changed(data) {
    trusted &&= data !== null;
    if (!trusted || filters.size > 0 || data.more > 0) return refreshSoon();
    list.some(data.traces);
    draw();
  }

  function showWaiting() {
    if (paused) search.togglePause();
    scrollTo({ top: 0 });
    draw();
  }

  function scrolled() {
    if (!fresh.hidden && !paused && scrollY < TOP_PX) draw();
  }

  /** Rows must not move between the press and the click. */
  function draw() {
    whenFree(me, () => {
      table.show(list.show(paused ? 'paused' : scrollY < TOP_PX ? 'top' : 'below'));
      say();
    });
  }

  function say() {
    const waiting = list.waiting();
    const none = answered && table.size() === 0 && waiting === 0;
    table.element.hidden = table.size() === 0;
    more.hidden = list.oldest() === null || table.size() === 0 || list.isFull();
    full.hidden = !list.isFull();
    search.count(table.size(), list.oldest() !== null);
    fresh.hidden = waiting === 0;
    const text = `${count(waiting)}${list.isBehind() ? '+' : ''} new`;
    if (fresh.textContent !== text) fresh.textContent = text;
    if (empty.hidden === !none) return;
    empty.hidden = !none;
    if (!none) fill(empty);
    else if (filters.size > 0) fill(empty, nothingFound(search));
    else fill(empty, emptyStore());
  }
}

const HELP = [
  [['p'], 'Pause, go on'],
  [['f'], 'All filters'],
];

function found({ traces, next }) {
  if (traces.length === 0) return 'No trace matches';
  return next === null ? `${plural(traces.length, 'trace')} found` : `The newest ${plural(traces.length, 'trace')} found`;
}
