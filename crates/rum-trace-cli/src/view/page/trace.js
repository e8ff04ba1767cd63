// One trace: what it was, what is missing, and the waterfall.

import { get, isAbort, paths } from './api.js';
import { announce, fill, h, said } from './dom.js';
import { spanDetails } from './details.js';
import { diagram } from './diagram.js';
import { clock, count, dateTime, duration, plural, unixMs } from './format.js';
import { setPageKeys } from './keys.js';
import { onChange, throttled } from './live.js';
import { findingsMark, loading, message, serviceList, sessionHref, statusOf, traceHref, traceId, traceName, tracesHref } from './parts.js';
import { go } from './router.js';
import { keyed } from './rows.js';
import { waterfall, WATERFALL_HELP } from './waterfall.js';

const REFRESH_MS = 1000;
const LOOK_MS = 2000;
const NARROW = matchMedia('(max-width: 1000px)');

export function openTrace(root, place) {
  const id = (place.id ?? '').toLowerCase();
  const stop = [];
  const abort = new AbortController();
  let detail = null;
  let tookMs = 0;
  let evicted = null;
  let wantedSpan = spanOf(place);

  const notice = h('div.notice', { role: 'status', hidden: true });
  const head = h('header.trace-head');
  const top = h('div.trace-top');
  const fall = waterfall({ onSelect: (span) => choose(span) });
  const details = spanDetails({ onClose: () => choose(null), onSpan: reveal, onEvents: fall.markTimes });
  const main = h('div.trace-main', {}, fall.element, details.element);
  let picture = null;
  let pictureOpen = null;
  fill(root, loading());
  document.title = 'Trace · rum-trace';

  // A long trace is not asked for more often than it takes to draw.
  const refreshSoon = throttled(load, () => Math.max(REFRESH_MS, tookMs * 4));
  const lookSoon = throttled(lookWhetherHere, () => LOOK_MS);
  stop.push(onChange(changed), refreshSoon.stop, lookSoon.stop, fall.close, () => abort.abort());
  setPageKeys(keys(), WATERFALL_HELP);
  load();

  return {
    update(to) {
      wantedSpan = spanOf(to);
      showSpan(wantedSpan, true);
    },
    close() {
      for (const each of stop) each();
    },
  };

  function keys() {
    const own = fall.keys();
    const escape = () => (!details.element.hidden ? choose(null) : own.get('unzoom')() || own.get('unsearch')() || document.activeElement?.blur());
    return new Map([...own, ['Escape', escape], ['u', () => history.back()]]);
  }

  async function load() {
    const started = performance.now();
    try {
      const answer = await get(paths.trace(id), null, abort.signal);
      const first = detail === null;
      detail = { ...answer, rows: keyed(answer.rows) };
      show(first);
    } catch (error) {
      if (!isAbort(error)) failed(error);
    }
    tookMs = performance.now() - started;
  }

  function changed(data) {
    if (data === null) return detail !== null && refreshSoon();
    if (data.more > 0 || data.traces.some((each) => each.trace_id === id)) return refreshSoon();
    const now = data.status.store.evicted_traces;
    if (evicted !== null && now > evicted) lookSoon();
    evicted = now;
  }

  /** Nobody tells which traces were evicted; to ask for this one whole would be too much. */
  async function lookWhetherHere() {
    if (detail === null) return;
    const found = await get('traces', { trace_id: id, limit: 1 }, abort.signal).catch(() => null);
    if (found?.traces.length === 0) gone();
  }

  function gone() {
    notice.hidden = false;
    fill(notice, 'This trace has been evicted to make room for newer ones. What is shown here is gone when you leave.');
  }

  function failed(error) {
    if (error.status === 0 && detail !== null) return;
    const missing = error.status === 404;
    if (detail === null) return fill(root, missing ? unknown() : message('The trace cannot be shown', h('p', {}, error.message)));
    if (missing) return gone();
    notice.hidden = false;
    fill(notice, error.message);
  }

  function unknown() {
    return message(
      'This trace is not here',
      h('p', {}, 'None of its spans has arrived, or it has been evicted: the store is bounded, and the oldest traces make room for new ones.'),
      h('p', {}, traceId(id)),
      h('p', {}, h('a', { href: '#/traces' }, 'All traces'), ' · ', h('a', { href: '#/status' }, 'What the store holds')),
    );
  }

  function show(first) {
    const { summary } = detail;
    document.title = `${summary.name ?? 'Trace'} · rum-trace`.slice(0, 120);
    notice.hidden = true;
    fill(head, header(summary, detail));
    showTop();
    if (first) fill(root, notice, head, top, main);
    fall.load(detail);
    if (first) showSpan(wantedSpan, true);
    else details.refresh();
  }

  function showTop() {
    const { findings } = detail;
    const list = findings.length > 0 && h('section.findings.panel', { 'aria-label': 'What is missing or odd' }, h('h2', {}, plural(findings.length, 'finding')), h('ul', {}, findings.map(findingLine)));
    picture ??= diagram({ label: 'Services of this trace', small: true, onNode: ofNode });
    const panel = h('details.trace-diagram.panel', { 'aria-label': 'Services of this trace', open: pictureOpen ?? !NARROW.matches }, h('summary', {}, 'Services as a diagram'), picture.element);
    panel.addEventListener('toggle', () => (pictureOpen = panel.open));
    fill(top, list, panel);
    drawServices(panel);
  }

  async function drawServices(panel) {
    const topology = await get('topology', { trace_id: id }, abort.signal).catch(() => null);
    if (topology && topology.nodes.length > 0) picture.draw(topology);
    else panel.remove();
  }

  function ofNode(node) {
    const index = detail.rows.findIndex((row) => row.kind !== 'tap' && detail.services[row.service] === node.name);
    if (index >= 0) reveal(detail.rows[index].key);
  }

  function findingLine(finding) {
    const { span_id: span, hop, text } = finding;
    const known = span !== null && detail.rows.some((row) => row.span_id === span);
    return h(
      'li.finding',
      { data: { kind: finding.kind } },
      h('span.finding-glyph', { 'aria-hidden': 'true' }, '△'),
      h(
        'div',
        {},
        h('p', {}, said(text, 3000)),
        h(
          'div.finding-links',
          {},
          known && h('button.plain', { type: 'button', on: { click: () => reveal(span) } }, 'Show the span'),
          hop && h('button.plain', { type: 'button', on: { click: () => showHop(hop) } }, 'Hop ', said(hop.from, 60), ' → ', said(hop.to, 60)),
        ),
      ),
    );
  }

  function showHop(hop) {
    const panel = top.querySelector('.trace-diagram');
    if (panel) panel.open = true;
    picture.mark(hop);
  }

  function reveal(span) {
    choose(span);
    fall.select(span, { reveal: true });
  }

  /** In the address too, so that a link leads to the span. */
  function choose(span) {
    wantedSpan = span;
    go(traceHref(id, span), { replace: true });
    showSpan(span, false);
  }

  function showSpan(span, moveThere) {
    const row = span === null ? null : fall.row(span);
    root.classList.toggle('has-details', row !== null);
    if (row === null) {
      details.close();
      return fall.select(null);
    }
    details.show(id, row, detail);
    if (moveThere) fall.select(span, { reveal: true });
    else fall.select(span);
    announce(`${row.name}, ${duration(row.duration_ns)}`);
  }
}

function spanOf({ query }) {
  const span = new URLSearchParams(query).get('span');
  return span && /^[0-9a-f]{16}(:\d{1,5})?$/.test(span) ? span : null;
}

function header(summary, { rows, services, truncated }) {
  const start = unixMs(summary.start_unix_nano);
  return [
    h(
      'div.trace-title',
      {},
      h('h1', {}, traceName(summary.name ?? '', summary.inferred)),
      statusOf(summary),
      findingsMark(summary.findings),
    ),
    h(
      'div.facts',
      {},
      fact('trace', traceId(summary.trace_id)),
      fact('took', h('strong.number', {}, duration(summary.duration_ns))),
      fact('at', h('time.number', { title: dateTime(start) }, clock(start))),
      fact('spans', h('span.number', {}, count(summary.spans))),
      summary.errors > 0 && fact('errors', h('span.number.error-text', {}, count(summary.errors))),
      fact('carrier', summary.carrier),
    ),
    h(
      'div.facts',
      {},
      summary.app_id && fact('app', h('a', { href: tracesHref({ app: summary.app_id }) }, said(summary.app_id, 120))),
      fact('type', [summary.app_type, summary.app_version].filter(Boolean).join(' ')),
      summary.session_id && fact('session', h('a', { href: sessionHref(summary.session_id, summary.app_id) }, said(summary.session_id, 120))),
      summary.user_id && fact('user', h('a', { href: tracesHref({ user: summary.user_id }) }, said(summary.user_id, 120))),
      services.length > 0 && fact('services', serviceList(services, 8)),
      truncated > 0 && h('span.tag.warn', {}, `${plural(truncated, 'span')} beyond the first ${count(rows.length)} not shown`),
    ),
  ];
}

function fact(key, value) {
  if (!value) return null;
  return h('span.fact', {}, h('span.fact-key', {}, key), value instanceof Node ? value : said(value, 200));
}
