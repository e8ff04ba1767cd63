// One trace: what it was, what is missing, and the waterfall.

import { ApiError, get, isAbort, paths } from './api.js';
import { announce, fill, h, said, title } from './dom.js';
import { spanDetails } from './details.js';
import { diagram } from './diagram.js';
import { count, duration, plural, unixMs } from './format.js';
import { setPageKeys } from './keys.js';
import { onChange, throttled } from './live.js';
import { livePage } from './live-page.js';
import { fact, findingsMark, message, moment, serviceList, sessionHref, statusOf, traceHref, traceId, traceName, tracesHref } from './parts.js';
import { renew } from './renew.js';
import { go } from './router.js';
import { keyed } from './rows.js';
import { waterfall } from './waterfall.js';
import { WATERFALL_HELP } from './waterfall-keys.js';

const REFRESH_MS = 1000;
const LOOK_MS = 2000;
/** Browsers refuse an address that is written too often, as by a key that is held. */
const ADDRESS_MS = 500;
const NARROW = matchMedia('(max-width: 1000px)');

export function openTrace(root, place) {
  const id = (place.id ?? '').toLowerCase();
  const stop = [];
  let detail = null;
  let evicted = null;
  let wantedSpan = spanOf(place);

  const notice = h('div.notice', { role: 'status', hidden: true });
  const head = h('header.trace-head');
  const findings = h('section.findings.panel', { 'aria-label': 'What is missing or odd', hidden: true });
  const picture = diagram({ label: 'Services of this trace', small: true, leads: (node) => node.kind === 'service', onNode: toSpan });
  const panel = h('details.trace-diagram.panel', { 'aria-label': 'Services of this trace', hidden: true, open: !NARROW.matches }, h('summary', {}, 'Services as a diagram'), picture.element);
  const fall = waterfall({ onSelect: choose });
  const details = spanDetails({ onClose: () => leaveDetails(), onSpan: reveal, onEvents: fall.markTimes });
  const content = [notice, head, h('div.trace-top', {}, findings, panel), h('div.trace-main', {}, fall.element, details.element)];
  document.title = 'Trace · rum-trace';

  const lookSoon = throttled(lookWhetherHere, () => LOOK_MS);
  const addressSoon = throttled(writeAddress, () => ADDRESS_MS);
  const page = livePage(root, {
    // A long trace is not asked for more often than it takes to draw.
    everyMs: (tookMs) => Math.max(REFRESH_MS, tookMs * 4),
    wants: (data) => data.traces.some((each) => each.trace_id === id) || (detail === null && data.more > 0),
    ask: async (signal) => Promise.all([get(paths.trace(id), null, signal), get('topology', { trace_id: id }, signal)]),
    show,
    failed,
  });
  stop.push(page.close, onChange(changed), lookSoon.stop, addressSoon.stop, fall.close);
  setPageKeys(keys(), WATERFALL_HELP);

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
    const escape = () => (!details.element.hidden ? leaveDetails() : own.get('unzoom')() || own.get('unsearch')() || document.activeElement?.blur());
    return new Map([...own, ['Escape', escape], ['u', () => history.back()]]);
  }

  /** An event does not tell all that changed, nor which traces were evicted. */
  function changed(data) {
    if (data === null || detail === null) return;
    const now = data.status.store.evicted_traces;
    if (data.more > 0 || (evicted !== null && now > evicted)) lookSoon();
    evicted = now;
  }

  /** To ask for all of it each time would be too much. */
  async function lookWhetherHere() {
    try {
      const { traces } = await get('traces', { trace_id: id, limit: 1 }, page.signal);
      if (traces.length === 0) gone();
      else if (traces[0].sequence !== detail.summary.sequence) page.again();
    } catch (error) {
      if (!isAbort(error) && !(error instanceof ApiError)) throw error;
    }
  }

  function gone() {
    notice.hidden = false;
    fill(notice, 'This trace is no longer in the store: it gave way to newer ones, or rum-trace view was started anew. What is shown here is gone when you leave.');
  }

  function failed(error, shown) {
    const missing = error.status === 404;
    if (!shown) fill(root, missing ? unknown(id) : message('The trace cannot be shown', h('p', {}, error.message)));
    else if (missing) gone();
    else {
      notice.hidden = false;
      fill(notice, error.message);
    }
    return !shown;
  }

  function show([answer, topology]) {
    const first = detail === null;
    notice.hidden = true;
    if (!first && isSame(answer, detail)) return;
    detail = { ...answer, rows: keyed(answer.rows) };
    const { summary } = detail;
    document.title = title(`${(summary.name || 'Trace').slice(0, 100)} · rum-trace`);
    renew(head, header(summary, detail));
    showFindings();
    if (first) fill(root, content);
    panel.hidden = topology.nodes.length === 0;
    picture.draw(topology);
    fall.load(detail);
    if (first) showSpan(wantedSpan, true);
    else if (wantedSpan !== null) details.refresh(fall.row(wantedSpan), detail);
  }

  function showFindings() {
    const { findings: list, findings_truncated: more } = detail;
    findings.hidden = list.length === 0;
    renew(findings, h('h2', {}, plural(list.length + more, 'finding')), h('ul', {}, list.map(findingLine), more > 0 && h('li.finding', {}, h('span'), `${plural(more, 'finding')} more not shown`)));
  }

  function toSpan(node) {
    const index = detail.rows.findIndex((row) => row.kind !== 'tap' && detail.services[row.service] === node.name);
    if (index >= 0) reveal(detail.rows[index].key);
  }

  function findingLine({ kind, span_id: span, hop, text }) {
    const known = span !== null && detail.rows.some((row) => row.span_id === span);
    return h(
      'li.finding',
      { data: { kind } },
      h('span.finding-glyph', { 'aria-hidden': 'true' }, '△'),
      h(
        'div',
        {},
        h('p', {}, said(text, 3000)),
        h(
          'div.finding-links',
          {},
          known && h('button.plain', { type: 'button', what: span, on: { click: () => reveal(span) } }, 'Show the span'),
          hop && h('button.plain', { type: 'button', what: JSON.stringify(hop), on: { click: () => showHop(hop) } }, 'Hop ', said(hop.from, 60), ' → ', said(hop.to, 60)),
        ),
      ),
    );
  }

  function showHop(hop) {
    panel.open = true;
    picture.mark(hop);
  }

  function reveal(span) {
    fall.select(span, { reveal: true });
    choose(span);
  }

  /** In the address too, so that a link leads to the span. `fast`: others may follow at once. */
  function choose(span, { fast = false } = {}) {
    wantedSpan = span;
    if (fast) addressSoon();
    else writeAddress();
    showSpan(span, false);
  }

  function writeAddress() {
    go(traceHref(id, wantedSpan), { replace: true, silent: true });
  }

  function leaveDetails() {
    const inside = details.element.contains(document.activeElement);
    choose(null);
    if (inside) fall.focus();
  }

  function showSpan(span, moveThere) {
    const row = span === null ? null : fall.row(span);
    root.classList.toggle('has-details', row !== null);
    if (row === null) {
      details.close();
      return fall.select(null);
    }
    details.show(id, row, detail);
    fall.select(span, { reveal: moveThere });
    announce(`${row.name}, ${duration(row.duration_ns)}`);
  }
}

function isSame(one, other) {
  return one.summary.sequence === other.summary.sequence && one.quiet === other.quiet;
}

function unknown(id) {
  return message(
    'This trace is not here',
    h('p', {}, 'None of its spans has arrived, or it has been evicted: the store is bounded, and the oldest traces make room for new ones.'),
    h('p', {}, traceId(id)),
    h('p', {}, h('a', { href: '#/traces' }, 'All traces'), ' · ', h('a', { href: '#/status' }, 'What the store holds')),
  );
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
      fact('at', moment(start)),
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
