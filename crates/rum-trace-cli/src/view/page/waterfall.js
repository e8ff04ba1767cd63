// The waterfall: one row a span, and only those in sight are in the page.

import { timeAxis } from './axis.js';
import { h } from './dom.js';
import { plural } from './format.js';
import { minimap } from './minimap.js';
import { matching, parentOf, seen, subtreeEnd } from './rows.js';
import { waterfallKeys } from './waterfall-keys.js';
import { rowPool } from './waterfall-pool.js';
import { timeView } from './waterfall-view.js';

const AHEAD = 12;

/** `onSelect(key | null, {fast})`; the rows are those of `keyed`. */
export function waterfall({ onSelect }) {
  let rows = [];
  let services = [];
  let order = [];
  let collapsed = new Set();
  let focus = 0;
  let selected = null;
  let matches = [];
  let matched = new Set();
  let wanted = '';
  let frame = 0;

  const view = timeView(showView);
  const overview = minimap({ onZoom: view.to, onReset: view.reset });
  const axis = timeAxis({ onZoom: view.to, onReset: view.reset });
  const search = h('input.field', { type: 'search', placeholder: 'Find in this trace', 'aria-label': 'Find in this trace', autocomplete: 'off', spellcheck: 'false', data: { search: '' }, on: { input: () => find(search.value), keydown: searchKey } });
  const found = h('span.found-in.quiet.number', { role: 'status' });
  const zoomOut = h('button.button.small', { type: 'button', hidden: true, on: { click: view.reset } }, 'Whole trace');
  const folding = h('button.button.small', { type: 'button', on: { click: foldAll } }, 'Collapse all');
  const head = h(
    'div.fall-head',
    {},
    h('div.fall-tools', {}, h('div.fall-search', {}, search, found), zoomOut, folding),
    axis.element,
  );
  const body = h('div.fall-body', { role: 'treegrid', tabindex: '0', 'aria-label': 'Spans of the trace as a waterfall', on: { focus: mark, blur: mark, click: clicked, dblclick: zoomToSpan } });
  const field = h('div.fall-field', {}, axis.grid, body);
  const element = h('section.fall.panel', { 'aria-label': 'Waterfall' }, overview.element, head, field);
  const pool = rowPool(body, context);
  body.addEventListener('wheel', wheel, { passive: false });

  addEventListener('scroll', schedule, { passive: true });
  const resized = new ResizeObserver(() => {
    axis.draw(view.now());
    overview.draw();
    refresh();
  });
  resized.observe(element);

  return {
    element,
    load,
    select,
    row: (key) => rows.find((each) => each.key === key) ?? null,
    keys: () => waterfallKeys({ view, move, left, right, isBody, zoomToSpan, focus: toBody, unsearch, choose: () => choose(focus), match: (by) => step(matches, by), error: (by) => step(errors(), by) }),
    focus: toBody,
    markTimes: axis.markTimes,
    close() {
      removeEventListener('scroll', schedule);
      resized.disconnect();
      overview.close();
      cancelAnimationFrame(frame);
    },
  };

  /** Also for the same trace with more spans: what is chosen and collapsed stays. */
  function load(detail) {
    const focused = rows[order[focus]]?.key ?? null;
    rows = detail.rows;
    services = detail.services;
    body.setAttribute('aria-rowcount', String(rows.length));
    view.load(rows, detail.summary.start_unix_nano);
    overview.load(rows, services, view.whole());
    overview.window(view.now());
    reorder(focused);
    find(search.value, false);
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
    pool.stale();
    schedule();
  }

  function schedule() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  }

  function draw() {
    const height = rowHeight();
    const top = body.getBoundingClientRect().top;
    const first = Math.max(Math.floor(-top / height) - AHEAD, 0);
    pool.draw(first, Math.min(Math.ceil((innerHeight - top) / height) + AHEAD, order.length));
    mark();
  }

  function context(at) {
    const index = order[at];
    const row = rows[index];
    return {
      row,
      index,
      view: view.now(),
      service: services[row.service] ?? null,
      collapsed: collapsed.has(row.key),
      hiddenRows: collapsed.has(row.key) ? subtreeEnd(rows, index) - index - 1 : 0,
      selected: row.key === selected,
      match: wanted === '' ? null : matched.has(index),
    };
  }

  function mark() {
    pool.mark(focus);
  }

  function clicked(event) {
    const at = pool.at(event.target);
    if (at < 0) return;
    focus = at;
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
    if (!isBody()) toBody();
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
    return parseFloat(getComputedStyle(element).getPropertyValue('--row-height')) || 1;
  }

  function find(text, jump = true) {
    wanted = text.trim();
    matches = matching(rows, services, wanted);
    matched = new Set(matches);
    found.textContent = wanted === '' ? '' : plural(matches.length, 'match', 'matches');
    if (jump && matches.length > 0) bringUp(matches[0]);
    refresh();
  }

  function unsearch() {
    if (wanted === '') return false;
    search.value = '';
    find('');
    return true;
  }

  function searchKey(event) {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    step(matches, event.shiftKey ? -1 : 1);
  }

  function errors() {
    return rows.flatMap((row, index) => (row.status === 'error' ? [index] : []));
  }

  /** To the next of these rows, round and round. */
  function step(indices, by) {
    if (indices.length === 0) return;
    const now = order[focus] ?? -1;
    const next = by > 0 ? indices.find((index) => index > now) : indices.findLast((index) => index < now);
    bringUp(next ?? (by > 0 ? indices[0] : indices.at(-1)));
    if (selected !== null) follow();
    if (document.activeElement !== search) toBody();
  }

  function showView(now) {
    zoomOut.hidden = view.isWhole();
    overview.window(now);
    axis.draw(now);
    refresh();
  }

  function zoomToSpan() {
    const row = rows[order[focus]];
    if (!row) return;
    const room = Math.max(row.duration_ns * 0.02, 1);
    view.to(row.start_ns - room, row.start_ns + row.duration_ns + room);
  }

  /** With Ctrl, as a pinch is told, the wheel zooms around the pointer. */
  function wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    view.around(Math.exp(event.deltaY * 0.004), axis.timeAt(event.clientX));
  }

  function toBody() {
    body.focus({ preventScroll: true });
  }

  function isBody() {
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
