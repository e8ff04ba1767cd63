// The rows of the list of traces. It knows nothing of where they come from.

import { h, said } from './dom.js';
import { age, plural, shortId, unixMs, zoned } from './format.js';
import { durationBar, findingsMark, methodAndRoute, serviceDots, statusOf, traceHref, traceName } from './parts.js';
import { renewOne } from './renew.js';

const COLUMNS = ['Request', 'Status', 'Duration', 'Services', 'App', 'Session and user', 'Spans', 'Findings', 'Age'];

export function traceTable({ onOpen, onFilter }) {
  /** `{summary, row}` by trace id. */
  let entries = new Map();
  const body = h('tbody', { role: 'rowgroup' });
  const head = h('tr', { role: 'row' }, COLUMNS.map((name) => h('th', { role: 'columnheader', scope: 'col', class: `col-${name.split(' ')[0].toLowerCase()}` }, name)));
  const element = h(
    'table.traces.panel',
    { role: 'table', 'aria-label': 'Traces, newest first', hidden: true },
    h('thead', { role: 'rowgroup' }, head),
    body,
  );
  body.addEventListener('click', clicked);

  return { element, size: () => entries.size, show, age: showAges, links, focused, focus };

  /** Newest first. Rows that are there stay the same elements, as do their links. */
  function show(summaries) {
    const before = entries;
    const newest = before.values().next().value?.summary.arrival ?? Infinity;
    entries = new Map(summaries.map((each) => [each.trace_id, shownAs(before.get(each.trace_id), each, newest)]));
    for (const [id, { row }] of before) if (!entries.has(id)) row.remove();
    let at = body.firstChild;
    for (const { row } of entries.values()) {
      if (row === at) at = at.nextSibling;
      else body.insertBefore(row, at);
    }
    scale();
  }

  function shownAs(old, summary, newest) {
    if (old?.summary.sequence === summary.sequence) return old;
    const entry = made(summary);
    if (!old) {
      entry.row.classList.toggle('is-new', Number(summary.arrival) > Number(newest));
      return entry;
    }
    renewOne(old.row, entry.row);
    return { summary, row: old.row };
  }

  /** The longest bar is the 95th percentile: one outlier must not flatten the others. */
  function scale() {
    const all = [...entries.values()].map((each) => each.summary.duration_ns).sort((a, b) => a - b);
    const most = all[Math.min(all.length - 1, Math.floor(all.length * 0.95))] ?? 1;
    body.style.setProperty('--most', String(Math.max(most, 1)));
  }

  /** The trace of the row with the focus. */
  function focused() {
    return document.activeElement?.closest('.traces tr')?.dataset.id ?? null;
  }

  function focus(id) {
    const row = entries.get(id)?.row;
    if (row) linkOf(row).focus({ preventScroll: true });
  }

  function links() {
    return [...entries.values()].map(({ row }) => linkOf(row));
  }

  function showAges() {
    for (const { summary, row } of entries.values()) {
      const cell = row.querySelector('.age');
      const text = ageOf(summary);
      if (cell.textContent !== text) cell.textContent = text;
    }
  }

  function clicked(event) {
    const filter = event.target.closest('[data-filter]');
    const row = event.target.closest('tr');
    if (filter) {
      const { summary } = entries.get(row.dataset.id) ?? {};
      const value = summary?.[filter.dataset.from];
      if (value) onFilter(filter.dataset.filter, String(value));
    } else if (row && !event.target.closest('a, button') && getSelection().isCollapsed) {
      onOpen(row.dataset.id);
    }
  }
}

function made(summary) {
  const cell = (name, ...children) => h(`td.col-${name}`, { role: 'cell' }, children);
  const row = h(
    'tr',
    { role: 'row', data: { id: summary.trace_id }, class: summary.errors > 0 ? 'has-errors' : null },
    cell('request', nameCell(summary)),
    cell('status', statusOf(summary)),
    cell('duration', durationBar(summary.duration_ns)),
    cell('services', serviceDots(summary.services)),
    cell('app', appCell(summary)),
    cell('session', personCell(summary)),
    cell('spans', spansCell(summary)),
    cell('findings', findingsMark(summary.findings)),
    cell('age', h('time.age.number', { title: zoned(unixMs(summary.start_unix_nano)) }, ageOf(summary))),
  );
  return { summary, row };
}

function nameCell(summary) {
  const name = summary.name ?? '';
  return [
    h(
      'a.row-link',
      { href: traceHref(summary.trace_id), title: name },
      h('span.dot', { class: summary.inferred ? 'tap' : 'root', 'aria-hidden': 'true' }),
      traceName(name, summary.inferred),
    ),
    h('span.below', {}, methodAndRoute(summary), h('span.mono.quiet', { title: summary.trace_id }, shortId(summary.trace_id))),
  ];
}

function appCell(summary) {
  return [
    filterButton(summary, 'app_id', 'app', 'app'),
    h('span.below', {}, filterButton(summary, 'app_type', 'app_type', 'app type')),
  ];
}

function personCell(summary) {
  return [
    filterButton(summary, 'session_id', 'session', 'session'),
    h('span.below', {}, filterButton(summary, 'user_id', 'user', 'user')),
  ];
}

function filterButton(summary, from, filter, word) {
  const value = summary[from];
  if (!value) return null;
  const properties = { type: 'button', title: `Only ${word} ${value}`, data: { filter, from } };
  return h('button.filter-button', properties, h('span.sr-only', {}, `Only ${word} `), said(value, 120));
}

function spansCell({ spans, errors }) {
  return [
    h('span.number', {}, String(spans)),
    errors > 0 && h('span.below.error-text', {}, plural(errors, 'error')),
  ];
}

function ageOf({ start_unix_nano: start }) {
  const ms = unixMs(start);
  return Number.isNaN(ms) ? '–' : age(Date.now() - ms);
}

const linkOf = (row) => row.querySelector('.row-link');
