// All traces, newest first, as they arrive.

import { ApiError, get, isAbort } from './api.js';
import { announce, fill, h } from './dom.js';
import { emptyStore, nothingFound } from './empty.js';
import { finder } from './finder.js';
import { plural } from './format.js';
import { setPageKeys } from './keys.js';
import { onChange, throttled } from './live.js';
import { message, traceHref } from './parts.js';
import { fromAddress, toAddress } from './query.js';
import { go, href } from './router.js';
import { traceTable } from './table.js';

const PAGE = 100;
const REFRESH_MS = 1000;
/** Below this the reader is on top and sees what arrives. */
const TOP_PX = 90;
/** What was there when the page was left, for the way back. */
let kept = { query: null, answer: null, scroll: 0 };

export function openTraces(root, place) {
  document.title = 'Traces · rum-trace';
  let filters = fromAddress(place.query);
  let next = null;
  let paused = false;
  let answered = false;
  let request = null;
  const waiting = new Map();
  const stop = [];

  const search = finder({
    onFilters: (changed, options) => go(href('traces', null, toAddress(changed)), options),
    onPause: (on) => {
      paused = on;
      flushIfSeen();
    },
  });
  const table = traceTable({
    onOpen: (id) => go(traceHref(id)),
    onFilter: (key, value) => search.set(key, value),
  });
  const fresh = h('button.fresh-pill', { type: 'button', hidden: true, on: { click: showWaiting } });
  const more = h('button.button.more', { type: 'button', hidden: true, on: { click: loadMore } }, 'Older traces');
  const empty = h('div', { hidden: true });
  const failure = h('div.failure', { role: 'alert', hidden: true });
  fill(root, h('h1.sr-only', {}, 'Traces'), search.element, failure, h('div.fresh', {}, fresh), table.element, empty, more);

  const refreshSoon = throttled(refresh, () => REFRESH_MS);
  stop.push(onChange(changed), refreshSoon.stop);
  addEventListener('scroll', flushIfSeen, { passive: true });
  stop.push(() => removeEventListener('scroll', flushIfSeen));
  const clock = setInterval(table.age, 5000);
  stop.push(() => clearInterval(clock));
  setPageKeys(keys(), HELP);

  search.show(filters);
  comeBack();
  refresh();

  return {
    update(to) {
      filters = fromAddress(to.query);
      search.show(filters);
      startAnew();
      refresh();
    },
    close() {
      kept = { query: toAddress(filters), answer: { traces: table.shown(), next }, scroll: scrollY };
      request?.abort();
      for (const each of stop) each();
    },
  };

  function keys() {
    return new Map([
      ['j', () => table.move(1)],
      ['ArrowDown', () => table.move(1)],
      ['k', () => table.move(-1)],
      ['ArrowUp', () => table.move(-1)],
      ['p', () => search.togglePause()],
      ['f', () => search.toggleFields()],
      ['Escape', () => (document.activeElement !== document.body ? document.activeElement.blur() : false)],
      ['leave', () => table.move(0)],
    ]);
  }

  function startAnew() {
    next = null;
    answered = false;
    waiting.clear();
    table.clear();
    say();
  }

  /** As it was when the page was left, until the answer is there. */
  function comeBack() {
    if (kept.query !== toAddress(filters) || !kept.answer) return;
    table.replace(kept.answer.traces);
    next = kept.answer.next;
    say();
    scrollTo(0, kept.scroll);
  }

  async function refresh() {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const answer = await get('traces', { ...Object.fromEntries(filters), limit: PAGE }, signal);
      take(answer.traces, answer);
      failure.hidden = true;
    } catch (error) {
      if (!isAbort(error)) failed(error);
    }
  }

  function failed(error) {
    // The banner says that the server is gone.
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 0) return;
    failure.hidden = false;
    fill(failure, message('The traces cannot be listed', h('p', {}, error.message)));
  }

  function changed(data) {
    if (data === null || filters.size > 0 || data.more > 0) return refreshSoon();
    const oldest = next === null ? null : table.oldest();
    // Beyond what is loaded there is no place for it: it comes with the older ones.
    const inside = data.traces.filter((each) => oldest === null || table.has(each.trace_id) || !isOlder(each, oldest));
    take(inside.sort((a, b) => (isOlder(a, b) ? 1 : -1)), null);
  }

  /** `whole`: the first page as the API tells it, and not only what has changed. */
  function take(traces, whole) {
    if (whole && !answered) {
      answered = true;
      if (next === null || table.size() <= PAGE) next = whole.next;
      if (table.size() === 0 && !paused) {
        table.replace(traces);
        return say();
      }
    }
    if (!paused) table.update(traces.filter((each) => table.has(each.trace_id)));
    for (const each of traces) if (!table.has(each.trace_id)) waiting.set(each.trace_id, each);
    // All that there is, is there: what is not among it was evicted.
    if (whole && whole.next === null && !paused) table.keepOnly(new Set(traces.map((each) => each.trace_id)));
    flushIfSeen();
    say();
  }

  function flushIfSeen() {
    if (!paused && scrollY < TOP_PX && waiting.size > 0) flush();
    else sayWaiting();
  }

  function showWaiting() {
    if (paused) search.togglePause();
    scrollTo({ top: 0 });
    flush();
  }

  function flush() {
    const dropped = table.prepend([...waiting.values()]);
    waiting.clear();
    if (dropped) next = null;
    say();
  }

  async function loadMore() {
    if (next === null) return;
    more.disabled = true;
    try {
      const answer = await get('traces', { ...Object.fromEntries(filters), limit: PAGE, before: next });
      table.append(answer.traces);
      next = answer.next;
      announce(`${plural(answer.traces.length, 'older trace')} loaded`);
    } catch (error) {
      failed(error);
    } finally {
      more.disabled = false;
      say();
    }
  }

  function say() {
    const none = answered && table.size() === 0 && waiting.size === 0;
    table.element.hidden = table.size() === 0;
    more.hidden = next === null || table.size() === 0;
    search.count(table.size(), next !== null);
    sayWaiting();
    if (empty.hidden === !none) return;
    empty.hidden = !none;
    if (!none) fill(empty);
    else if (filters.size > 0) fill(empty, nothingFound(filters, search));
    else emptyStore(empty);
  }

  function sayWaiting() {
    fresh.hidden = waiting.size === 0;
    const text = `${waiting.size} new`;
    if (fresh.textContent !== text) fresh.textContent = text;
  }
}

const HELP = [
  [['p'], 'Pause, go on'],
  [['f'], 'All filters'],
];

function isOlder(one, other) {
  const [a, b] = [one.start_unix_nano, other.start_unix_nano].map(String);
  return a.length === b.length ? a < b : a.length < b.length;
}
