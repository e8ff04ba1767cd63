// Which part of a trace's time the waterfall shows.

import { nsBetween } from './format.js';
import { extent, within, zoomed } from './rows.js';

/** `onChange(view)`: it has been zoomed or moved. */
export function timeView(onChange) {
  let whole = { from: 0, to: 1 };
  let view = whole;
  let start = null;
  return { load, now: () => view, whole: () => whole, isWhole, to, by, around, pan, reset };

  /** Also for the same trace with more spans: what is zoomed to stays. */
  function load(rows, began) {
    const all = isWhole();
    // Times are from the start of the trace, which an earlier span moves.
    const moved = start === null ? 0 : nsBetween(began, start);
    start = began;
    whole = extent(rows);
    set(all ? whole : within({ from: view.from + moved, to: view.to + moved }, whole));
  }

  function isWhole() {
    return view.from === whole.from && view.to === whole.to;
  }

  function set(next) {
    view = next;
    onChange(view);
  }

  function to(from, until) {
    const least = Math.max((whole.to - whole.from) / 1e7, 1);
    set(within({ from, to: Math.max(until, from + least) }, whole));
  }

  function by(factor) {
    around(factor, (view.from + view.to) / 2);
  }

  function around(factor, at) {
    set(zoomed(view, whole, factor, at));
  }

  function pan(share) {
    const far = (view.to - view.from) * share;
    set(within({ from: view.from + far, to: view.to + far }, whole));
  }

  function reset() {
    set(whole);
  }
}
