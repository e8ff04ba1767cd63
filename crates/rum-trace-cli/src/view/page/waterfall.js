// The waterfall: one row a span, and only those in sight are in the page. Rows are used
// again as they scroll, so that ten thousand spans cost no more than fifty.

import { timeAxis } from './axis.js';
import { h } from './dom.js';
import { nsBetween, plural } from './format.js';
import { minimap } from './minimap.js';
import { extent, matching, parentOf, seen, subtreeEnd, within, zoomed } from './rows.js';
import { barRow } from './waterfall-row.js';

const AHEAD = 12;
const NARROW = matchMedia('(max-width: 760px)');

/** `onSelect(key | null)`; the rows are those of `keyed`. */
export function waterfall({ onSelect }) {
  let rows = [];
  let services = [];
  let order = [];
  let whole = { from: 0, to: 1 };
  let view = whole;
  let start = null;
  let collapsed = new Set();
  let focus = 0;
  let selected = null;
  let matches = [];
  let matched = new Set();
  let wanted = '';
  let frame = 0;
  /** Counts what makes drawn rows stale. */
  let edition = 0;
  const pool = [];

  const overview = minimap({ onZoom: zoomTo, onReset: reset });
  const axis = timeAxis({ onZoom: zoomTo, onReset: reset });
  const search = h('input.field', { type: 'search', placeholder: 'Find in this trace', 'aria-label': 'Find in this trace', autocomplete: 'off', spellcheck: 'false', data: { search: '' }, on: { input: () => find(search.value), keydown: searchKey } });
  const found = h('span.found-in.quiet.number', { role: 'status' });
  const zoomOut = h('button.button.small', { type: 'button', hidden: true, on: { click: reset } }, 'Whole trace');
  const folding = h('button.button.small', { type: 'button', on: { click: foldAll } }, 'Collapse all');
  const head = h(
    'div.fall-head',
    {},
    h('div.fall-tools', {}, h('div.fall-search', {}, search, found), zoomOut, folding),
    axis.element,
  );
  const body = h('div.fall-body', { role: 'treegrid', tabindex: '0', 'aria-label': 'Spans of the trace as a waterfall', on: { focus: () => mark(), blur: () => mark(), click: clicked, dblclick: () => zoomToSpan(focus) } });
  const field = h('div.fall-field', {}, axis.grid, body);
  const element = h('section.fall.panel', { 'aria-label': 'Waterfall' }, overview.element, head, field);
  body.addEventListener('wheel', wheel, { passive: false });

  const onScroll = () => schedule();
  addEventListener('scroll', onScroll, { passive: true });
  const resized = new ResizeObserver(() => {
    axis.draw(view);
    overview.draw();
    refresh();
  });
  resized.observe(element);

  return {
    element,
    load,
    select,
    row: (key) => rows.find((each) => each.key === key) ?? null,
    keys,
    focus: () => body.focus({ preventScroll: true }),
    markTimes: axis.markTimes,
    close() {
      removeEventListener('scroll', onScroll);
      resized.disconnect();
      overview.close();
      cancelAnimationFrame(frame);
    },
  };

  /** Also for the same trace with more spans: what is chosen and collapsed stays. */
  function load(detail) {
    const focused = rows[order[focus]]?.key ?? null;
    const all = view.from === whole.from && view.to === whole.to;
    // Times are from the start of the trace, which an earlier span moves.
    const moved = start === null ? 0 : nsBetween(detail.summary.start_unix_nano, start);
    start = detail.summary.start_unix_nano;
    rows = detail.rows;
    services = detail.services;
    whole = extent(rows);
    view = all ? whole : within({ from: view.from + moved, to: view.to + moved }, whole);
    body.setAttribute('aria-rowcount', String(rows.length));
    overview.load(rows, services, whole);
    reorder(focused);
    find(search.value, false);
    setView(view);
  }

  function reorder(focused) {
    order = seen(rows, collapsed);
    const at = order.findIndex((index) => rows[index].key === focused);
    focus = at < 0 ? Math.min(focus, Math.max(order.length - 1, 0)) : at;
    body.style.setProperty('--rows', String(order.length));
    folding.textContent = collapsed.size > 0 ? 'Expand all' : 'Collapse all';
    refresh();
  }

  function refresh() {
    edition += 1;
    schedule();
  }

  function schedule() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  }

  /** Row `n` has place `n` modulo the pool's size: scrolling moves only what comes in. */
  function draw() {
    const height = rowHeight();
    const top = body.getBoundingClientRect().top;
    const first = Math.max(Math.floor(-top / height) - AHEAD, 0);
    const last = Math.min(Math.ceil((innerHeight - top) / height) + AHEAD, order.length);
    while (pool.length < Math.min(last - first, order.length)) addRow();
    const drawn = new Set();
    for (let at = first; at < last; at += 1) {
      const slot = pool[at % pool.length];
      drawn.add(slot);
      if (slot.at === at && slot.edition === edition) continue;
      slot.at = at;
      slot.edition = edition;
      slot.element.hidden = false;
      slot.element.style.setProperty('--at', String(at));
      slot.show(context(at));
    }
    for (const slot of pool) if (!drawn.has(slot)) hide(slot);
    mark();
  }

  function addRow() {
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

  function context(at) {
    const index = order[at];
    const row = rows[index];
    return {
      row,
      index,
      view,
      service: services[row.service] ?? null,
      collapsed: collapsed.has(row.key),
      hiddenRows: collapsed.has(row.key) ? subtreeEnd(rows, index) - index - 1 : 0,
      selected: row.key === selected,
      match: wanted === '' ? null : matched.has(index),
    };
  }

  /** The row with the keyboard, told to those who listen, too. */
  function mark() {
    let active = null;
    for (const slot of pool) {
      const on = slot.at === focus && slot.at >= 0;
      slot.element.classList.toggle('is-focus', on);
      if (on) active = slot.element.id;
    }
    if (active) body.setAttribute('aria-activedescendant', active);
    else body.removeAttribute('aria-activedescendant');
  }

  function clicked(event) {
    const element = event.target.closest('[role="row"]');
    const slot = pool.find((each) => each.element === element);
    if (!slot || slot.at < 0) return;
    focus = slot.at;
    if (event.target.closest('.twist')) toggle(focus);
    else choose(focus);
    mark();
  }

  function choose(at) {
    const id = rows[order[at]]?.key ?? null;
    select(id === selected ? null : id);
    onSelect(selected);
  }

  /** Shows it as chosen, opened and in sight; `null` chooses nothing. */
  function select(id, { reveal = false } = {}) {
    // Its events stay on the axis.
    if (id !== selected) axis.markTimes([]);
    selected = id;
    if (reveal && id !== null) bringUp(rows.findIndex((row) => row.key === id));
    refresh();
  }

  function bringUp(index) {
    if (index < 0) return;
    for (let at = parentOf(rows, index); at >= 0; at = parentOf(rows, at)) collapsed.delete(rows[at].key);
    reorder(rows[index].key);
    scrollToFocus();
  }

  function toggle(at, fold = null) {
    const row = rows[order[at]];
    if (!row || row.children === 0) return;
    const now = fold ?? !collapsed.has(row.key);
    if (now) collapsed.add(row.key);
    else collapsed.delete(row.key);
    reorder(row.key);
  }

  function foldAll() {
    const focused = rows[order[focus]]?.key ?? null;
    const roots = rows.filter((row) => row.children > 0 && row.kind !== 'tap' && row.depth > 0);
    collapsed = collapsed.size > 0 ? new Set() : new Set(roots.map((row) => row.key));
    reorder(focused);
  }

  function move(by) {
    focus = Math.min(Math.max(focus + by, 0), Math.max(order.length - 1, 0));
    if (document.activeElement !== body) body.focus({ preventScroll: true });
    scrollToFocus();
    if (selected !== null) follow();
    mark();
  }

  /** With the details open, they follow the keyboard. */
  function follow() {
    select(rows[order[focus]]?.key ?? null);
    onSelect(selected, { fast: true });
  }

  function scrollToFocus() {
    const height = rowHeight();
    const top = body.getBoundingClientRect().top + focus * height;
    const above = head.getBoundingClientRect().bottom;
    const below = innerHeight - bottomCover() - height;
    if (top < above) scrollBy(0, top - above - height);
    else if (top > below) scrollBy(0, top - below + height);
    schedule();
  }

  /** Of the sheet that lies over the rows on a narrow screen. */
  function bottomCover() {
    const sheet = document.querySelector('.details');
    return sheet && getComputedStyle(sheet).position === 'fixed' ? sheet.offsetHeight : 0;
  }

  function rowHeight() {
    return NARROW.matches ? 44 : 28;
  }

  function find(text, jump = true) {
    wanted = text.trim();
    matches = matching(rows, services, wanted);
    matched = new Set(matches);
    found.textContent = wanted === '' ? '' : plural(matches.length, 'match', 'matches');
    if (jump && matches.length > 0) bringUp(matches[0]);
    refresh();
  }

  function searchKey(event) {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    step(matches, event.shiftKey ? -1 : 1);
  }

  /** To the next of these rows, round and round. */
  function step(indices, by) {
    if (indices.length === 0) return;
    const now = order[focus] ?? -1;
    const next = by > 0 ? indices.find((index) => index > now) : indices.findLast((index) => index < now);
    bringUp(next ?? (by > 0 ? indices[0] : indices.at(-1)));
    if (selected !== null) follow();
    if (document.activeElement !== search) body.focus({ preventScroll: true });
  }

  function setView(next) {
    view = next;
    zoomOut.hidden = view.from === whole.from && view.to === whole.to;
    overview.window(view);
    axis.draw(view);
    refresh();
  }

  function zoomTo(from, to) {
    const least = Math.max((whole.to - whole.from) / 1e7, 1);
    setView(within({ from, to: Math.max(to, from + least) }, whole));
  }

  function zoomToSpan(at) {
    const row = rows[order[at]];
    if (!row) return;
    const room = Math.max(row.duration_ns * 0.02, 1);
    zoomTo(row.start_ns - room, row.start_ns + row.duration_ns + room);
  }

  function zoomBy(factor) {
    setView(zoomed(view, whole, factor, (view.from + view.to) / 2));
  }

  function pan(share) {
    const by = (view.to - view.from) * share;
    setView(within({ from: view.from + by, to: view.to + by }, whole));
  }

  function reset() {
    setView(whole);
  }

  /** With Ctrl, as a pinch is told, the wheel zooms around the pointer. */
  function wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    setView(zoomed(view, whole, Math.exp(event.deltaY * 0.004), axis.timeAt(event.clientX)));
  }

  function keys() {
    const errors = () => rows.flatMap((row, index) => (row.status === 'error' ? [index] : []));
    return new Map([
      ['j', () => move(1)],
      ['ArrowDown', () => move(1)],
      ['k', () => move(-1)],
      ['ArrowUp', () => move(-1)],
      ['PageDown', () => inBody() && move(20)],
      ['PageUp', () => inBody() && move(-20)],
      ['Home', () => inBody() && move(-order.length)],
      ['End', () => inBody() && move(order.length)],
      ['h', left],
      ['ArrowLeft', left],
      ['l', right],
      ['ArrowRight', right],
      ['Enter', (event) => event.target === body && choose(focus)],
      ['z', () => zoomToSpan(focus)],
      ['0', reset],
      ['+', () => zoomBy(0.5)],
      ['-', () => zoomBy(2)],
      ['[', () => pan(-0.25)],
      [']', () => pan(0.25)],
      ['n', () => step(matches, 1)],
      ['N', () => step(matches, -1)],
      ['e', () => step(errors(), 1)],
      ['E', () => step(errors(), -1)],
      ['leave', () => body.focus({ preventScroll: true })],
      ['unzoom', () => !zoomOut.hidden && (reset(), true)],
      ['unsearch', () => wanted !== '' && ((search.value = ''), find(''), true)],
    ]);
  }

  function inBody() {
    return document.activeElement === body;
  }

  /** Collapses, or goes to the parent if there is nothing to collapse. */
  function left() {
    const row = rows[order[focus]];
    if (!row) return;
    if (row.children > 0 && !collapsed.has(row.key)) return toggle(focus, true);
    const parent = parentOf(rows, order[focus]);
    if (parent >= 0) move(order.indexOf(parent) - focus);
  }

  function right() {
    const row = rows[order[focus]];
    if (!row || row.children === 0) return;
    if (collapsed.has(row.key)) toggle(focus, false);
    else move(1);
  }
}

export const WATERFALL_HELP = [
  [['h', 'l'], 'Collapse, expand (arrows too)'],
  [['Enter'], 'Details of the span'],
  [['z'], 'Zoom to the span'],
  [['+', '-', '0'], 'Zoom in, out, whole trace'],
  [['[', ']'], 'Earlier, later'],
  [['n', 'N'], 'Next, previous match'],
  [['e', 'E'], 'Next, previous error'],
];
