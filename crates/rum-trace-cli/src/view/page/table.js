// The rows of the list of traces. It knows nothing of where they come from.

import { fill, h, said } from './dom.js';
import { age, dateTime, plural, shortId, unixMs } from './format.js';
import { durationBar, findingsMark, methodAndRoute, serviceDots, statusOf, traceHref, traceName } from './parts.js';

/** No more rows than a browser draws with ease; older ones can be asked for again. */
const MOST_ROWS = 1000;
const COLUMNS = ['Tap', 'Status', 'Duration', 'Services', 'App', 'Session and user', 'Spans', 'Findings', 'Age'];

export function traceTable({ onOpen, onFilter }) {
  /** Newest first: `{summary, row}` by trace id. */
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

  return {
    element,
    has: (id) => entries.has(id),
    size: () => entries.size,
    shown: () => [...entries.values()].map((each) => each.summary),
    oldest: () => [...entries.values()].at(-1)?.summary ?? null,
    clear: () => replace([]),
    replace,
    prepend,
    append,
    update,
    keepOnly,
    age: showAges,
    move,
  };

  function replace(summaries) {
    entries = new Map(summaries.map((each) => [each.trace_id, made(each)]));
    fill(body, rows());
    scale();
  }

  /** True if older rows had to go for these. */
  function prepend(summaries) {
    const added = new Map(summaries.map((each) => [each.trace_id, made(each)]));
    for (const { row } of added.values()) row.classList.add('is-new');
    body.prepend(...[...added.values()].map((each) => each.row));
    entries = new Map([...added, ...entries]);
    const dropped = [...entries.keys()].slice(MOST_ROWS);
    dropped.forEach(remove);
    scale();
    return dropped.length > 0;
  }

  function append(summaries) {
    for (const summary of summaries) {
      if (entries.has(summary.trace_id) || entries.size >= MOST_ROWS * 5) continue;
      const entry = made(summary);
      entries.set(summary.trace_id, entry);
      body.append(entry.row);
    }
    scale();
  }

  function update(summaries) {
    for (const summary of summaries) {
      const old = entries.get(summary.trace_id);
      if (!old || old.summary.sequence === summary.sequence) continue;
      const focused = old.row.contains(document.activeElement);
      const entry = made(summary);
      old.row.replaceWith(entry.row);
      entries.set(summary.trace_id, entry);
      if (focused) linkOf(entry.row).focus({ preventScroll: true });
    }
    scale();
  }

  function keepOnly(ids) {
    for (const id of [...entries.keys()]) if (!ids.has(id)) remove(id);
  }

  function remove(id) {
    entries.get(id)?.row.remove();
    entries.delete(id);
  }

  /** The longest bar is the 95th percentile: one outlier must not flatten the others. */
  function scale() {
    const all = [...entries.values()].map((each) => each.summary.duration_ns).sort((a, b) => a - b);
    const most = all[Math.min(all.length - 1, Math.floor(all.length * 0.95))] ?? 1;
    body.style.setProperty('--most', String(Math.max(most, 1)));
  }

  /** Moves the focus by so many rows, from the first one at the start. */
  function move(by) {
    const all = rows();
    const now = all.findIndex((row) => row.contains(document.activeElement));
    const to = now < 0 ? 0 : Math.min(Math.max(now + by, 0), all.length - 1);
    if (all[to]) linkOf(all[to]).focus();
  }

  function rows() {
    return [...entries.values()].map((each) => each.row);
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
    cell('tap', nameCell(summary)),
    cell('status', statusOf(summary)),
    cell('duration', durationBar(summary.duration_ns)),
    cell('services', serviceDots(summary.services)),
    cell('app', appCell(summary)),
    cell('session', personCell(summary)),
    cell('spans', spansCell(summary)),
    cell('findings', findingsMark(summary.findings)),
    cell('age', h('time.age.number', { title: dateTime(unixMs(summary.start_unix_nano)) }, ageOf(summary))),
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
