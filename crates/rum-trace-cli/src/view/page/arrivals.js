// The list of traces as data: what is known, and what of it is shown. Newest first, in the
// server's order. Nothing here touches the page.

/** No more rows than a browser draws with ease; older ones can be asked for again. */
const MOST = 1000;
/** By asking for older ones again and again. */
const MOST_AT_ALL = 5000;

export function arrivals() {
  /** All that is known, without a hole. */
  let known = [];
  let shown = [];
  /** Whether there is nothing older than the last of `known`. */
  let complete = false;
  /** Of the last answer. */
  let sequence = -1;
  /** The next answer is the first one. */
  let anew = true;
  /** It is shown, whatever the reader does. */
  let first = false;

  return {
    reset,
    restore,
    whole,
    some,
    older,
    show,
    shown: () => shown,
    waiting: () => without(known, idsOf(shown)).length,
    /** Where older ones are asked for. */
    oldest: () => (complete || isBehind() ? null : (known.at(-1)?.arrival ?? null)),
    isFull: () => shown.length >= MOST_AT_ALL,
    isBehind,
    kept: () => ({ shown, complete: complete && !isBehind(), sequence }),
  };

  function reset() {
    [known, shown, complete, anew] = [[], [], false, true];
  }

  function restore(kept) {
    known = shown = kept.shown;
    ({ complete, sequence } = kept);
    anew = false;
  }

  /** The newest, as the API lists them. */
  function whole(answer) {
    const { traces, next } = answer;
    const ids = idsOf(traces);
    // A process that counts from the start knows nothing of before.
    const restarted = answer.sequence < sequence;
    sequence = answer.sequence;
    first ||= anew || restarted;
    anew = false;
    if (restarted || (next !== null && !known.some(has(ids)))) {
      known = [...traces];
      complete = next === null;
      return;
    }
    const oldest = next === null ? -1 : arrival(traces.at(-1));
    // What is not listed was evicted, or is no more what is looked for; or it came later.
    known = known.filter((each) => ids.has(each.trace_id) || each.sequence > sequence || arrival(each) < oldest);
    complete ||= next === null;
    merge(traces);
  }

  /** Those that have changed. */
  function some(traces) {
    if (!anew) merge(traces);
  }

  /** Those before the trace that arrived as number `before`. */
  function older(before, { traces, next }) {
    if (known.at(-1)?.arrival !== before || isBehind()) return 0;
    const more = without(traces, idsOf(known));
    known = [...known, ...more];
    shown = [...shown, ...more];
    complete = next === null;
    return more.length;
  }

  /** `paused`: as it is; `below`: new ones wait; `top`: all. */
  function show(how) {
    if (first || how === 'top') showAll();
    else if (how === 'below' && !isBehind()) shown = known.filter(has(idsOf(shown)));
    first = false;
    boundWaiting();
    return shown;
  }

  function showAll() {
    const fresh = known.length > 0 && !has(idsOf(shown))(known[0]);
    if (fresh && known.length > MOST) {
      known = known.slice(0, MOST);
      complete = false;
    }
    shown = known;
  }

  function boundWaiting() {
    if (known.length <= MOST || known.slice(0, MOST).some(has(idsOf(shown)))) return;
    known = known.slice(0, MOST);
    complete = false;
  }

  /** Between what is shown and what waits there are others that nobody has told of. */
  function isBehind() {
    return shown.length > 0 && known.length > 0 && !complete && !known.some(has(idsOf(shown)));
  }

  function merge(traces) {
    const oldest = complete ? -1 : arrival(known.at(-1) ?? null);
    const news = new Map(traces.filter((each) => arrival(each) >= oldest).map((each) => [each.trace_id, each]));
    const kept = known.map((each) => {
      const other = news.get(each.trace_id);
      news.delete(each.trace_id);
      return other && other.sequence >= each.sequence ? other : each;
    });
    known = [...kept, ...news.values()].sort((a, b) => arrival(b) - arrival(a));
  }
}

/** Before the first answer nothing has a place. */
function arrival(trace) {
  return trace === null ? Infinity : Number(trace.arrival);
}

const idsOf = (traces) => new Set(traces.map((each) => each.trace_id));
const has = (ids) => (each) => ids.has(each.trace_id);
const without = (traces, ids) => traces.filter((each) => !ids.has(each.trace_id));
