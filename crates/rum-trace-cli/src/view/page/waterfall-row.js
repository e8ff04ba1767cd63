// One row of the waterfall: made once, shown for many spans.

import { h, title } from './dom.js';
import { duration, short, visible } from './format.js';
import { place } from './rows.js';
import { colourClass } from './services.js';

/** Deeper than this the indent stays, and a number tells the depth. */
const DEEPEST = 14;
const LONGEST_NAME = 300;
const MOST_GAPS = 20;
let made = 0;

/** What the marks of the API mean, in a few words; a mark, and its weight. */
const MARKS = new Map([
  ['missing_parent', ['⤒', 'warn', 'Its parent never came']],
  ['lost_tracestate', ['≠', 'warn', 'The tracestate was lost on the way here']],
  ['unsampled_branch', ['◌', 'quiet', 'The branch below was not sampled']],
  ['no_span_beyond_call', ['⇥', 'quiet', 'No span from the callee']],
  ['kept_alone', ['◦', 'quiet', 'Kept alone: its children were not exported']],
  ['rum_differs', ['≠', 'warn', 'App, session or user differ from those above']],
  ['circle', ['↻', 'warn', 'Its parents form a circle']],
  ['clock_skew', ['◷', 'warn', 'It lies outside of its parent: clocks differ']],
  ['late', ['↧', 'quiet', 'It ends after its parent']],
]);

export function barRow() {
  const twist = h('span.twist', { 'aria-hidden': 'true' });
  const dot = h('span.dot', { 'aria-hidden': 'true' });
  const service = h('bdi.row-service');
  const name = h('bdi.row-name');
  const note = h('span.row-note');
  const marks = h('span.row-marks');
  const label = h('div.row-label', { role: 'rowheader' }, twist, dot, service, name, note, marks);
  const gaps = h('span.gaps', { 'aria-hidden': 'true' });
  const bar = h('span.bar');
  const took = h('span.bar-text.number');
  const time = h('div.row-time', { role: 'gridcell' }, bar, gaps, took);
  made += 1;
  const element = h('div.fall-row', { role: 'row', id: `row-${made}` }, label, time);
  return { element, show };

  function show(context) {
    const { row, index, selected, match, view } = context;
    const tap = row.kind === 'tap';
    showState(context);
    element.className = [
      'fall-row',
      tap ? 'c-tap' : colourClass(context.service),
      row.inferred && 'is-inferred',
      row.status === 'error' && 'is-error',
      selected && 'is-selected',
      match === true && 'is-match',
      match === false && 'is-other',
    ].filter(Boolean).join(' ');
    element.setAttribute('aria-rowindex', String(index + 1));
    element.dataset.span = row.span_id;
    label.style.setProperty('--depth', String(Math.min(row.depth, DEEPEST)));
    twist.textContent = row.children === 0 ? '' : context.collapsed ? '▸' : '▾';
    dot.className = tap ? 'dot tap' : 'dot';
    service.textContent = tap ? 'phone' : visible(short(context.service ?? '', 80));
    const spoken = visible(short(row.name || '(no name)', LONGEST_NAME));
    name.textContent = spoken;
    label.title = title(`${context.service ?? ''} ${row.kind} ${row.name}`.trim());
    note.textContent = noteOf(context);
    showMarks(row);
    showBar(row, view);
  }

  function showState({ row, collapsed, selected }) {
    element.setAttribute('aria-level', String(row.depth + 1));
    element.setAttribute('aria-selected', String(selected));
    if (row.children > 0) element.setAttribute('aria-expanded', String(!collapsed));
    else element.removeAttribute('aria-expanded');
  }

  function showMarks(row) {
    const shown = row.marks.filter((mark) => MARKS.has(mark)).map((mark) => {
      const [glyph, weight, text] = MARKS.get(mark);
      return h('span.mark', { class: `mark-${weight}`, title: text, data: { mark } }, h('span', { 'aria-hidden': 'true' }, glyph), h('span.sr-only', {}, text));
    });
    if (row.http_status !== null && row.kind !== 'tap' && row.http_status >= 400) {
      shown.unshift(h('span.mark', { class: row.http_status >= 500 ? 'mark-error' : 'mark-warn', data: { mark: 'status' } }, String(row.http_status)));
    } else if (row.status === 'error') {
      shown.unshift(h('span.mark.mark-error', { data: { mark: 'error' } }, 'error'));
    }
    marks.replaceChildren(...shown);
  }

  function showBar(row, view) {
    const { left, right, before, after } = place(row.start_ns, row.duration_ns, view);
    element.style.setProperty('--left', String(left));
    element.style.setProperty('--width', String(right - left));
    bar.hidden = before || after;
    showGaps(row, view);
    took.textContent = before ? `‹ ${duration(row.duration_ns)}` : after ? `${duration(row.duration_ns)} ›` : duration(row.duration_ns);
    took.dataset.side = before ? 'start' : after ? 'end' : 'after';
  }

  function showGaps(row, view) {
    const list = (row.gaps ?? []).slice(0, MOST_GAPS);
    gaps.replaceChildren(...list.map((gap) => gapMark(gap, view)).filter(Boolean));
  }
}

function gapMark(gap, view) {
  const { left, right } = place(gap.start_ns, gap.duration_ns, view);
  if (right <= left) return null;
  const text = `No span below covers these ${duration(gap.duration_ns)}`;
  return h('span.gap', { title: text, vars: { '--left': left, '--width': right - left } });
}

function noteOf({ row, hiddenRows }) {
  const notes = [];
  if (row.kind === 'tap') notes.push('inferred');
  if (row.depth > DEEPEST) notes.push(`depth ${row.depth}`);
  if (hiddenRows > 0) notes.push(`+${hiddenRows}`);
  return notes.join(' · ');
}
