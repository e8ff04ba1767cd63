// The rows of the waterfall that are in the page: used again as they scroll, so that ten
// thousand spans cost no more than fifty.

import { barRow } from './waterfall-row.js';

/** `contextOf(at)`: what row number `at` shows. */
export function rowPool(body, contextOf) {
  const pool = [];
  /** Counts what makes drawn rows stale. */
  let edition = 0;
  return { stale: () => (edition += 1), draw, mark, at };

  /** Row `n` has place `n` modulo the pool's size: scrolling moves only what comes in. */
  function draw(first, last) {
    while (pool.length < last - first) add();
    const drawn = new Set();
    for (let at = first; at < last; at += 1) {
      const slot = pool[at % pool.length];
      drawn.add(slot);
      if (slot.at === at && slot.edition === edition) continue;
      slot.at = at;
      slot.edition = edition;
      slot.element.hidden = false;
      slot.element.style.setProperty('--at', String(at));
      slot.show(contextOf(at));
    }
    for (const slot of pool) if (!drawn.has(slot)) hide(slot);
  }

  function add() {
    const slot = { ...barRow(), at: -1, edition: -1 };
    // Their places are by the pool's size, which has just changed.
    for (const each of pool) each.at = -1;
    pool.push(slot);
    body.append(slot.element);
  }

  function hide(slot) {
    slot.at = -1;
    slot.element.hidden = true;
  }

  /** The row with the keyboard, told to those who listen, too. */
  function mark(focus) {
    let active = null;
    for (const slot of pool) {
      const on = slot.at === focus && slot.at >= 0;
      slot.element.classList.toggle('is-focus', on);
      if (on) active = slot.element.id;
    }
    if (active) body.setAttribute('aria-activedescendant', active);
    else body.removeAttribute('aria-activedescendant');
  }

  /** The number of the row that this is in, or -1. */
  function at(element) {
    const row = element.closest('[role="row"]');
    return pool.find((each) => each.element === row)?.at ?? -1;
  }
}
