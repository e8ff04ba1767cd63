// What the store holds, what it had to let go, and what was refused and why.

import { get } from './api.js';
import { fill, h, said } from './dom.js';
import { bytes, count, percent } from './format.js';
import { livePage } from './live-page.js';
import { endpoint, lineToCopy, message } from './parts.js';
import { renew } from './renew.js';

const REFRESH_MS = 500;

/** What the reasons mean; others are shown by their name. */
const REASONS = new Map([
  ['invalid_id', 'a trace or span id is not of the right length, or all zero'],
  ['too_large', 'larger than one span may be'],
  ['trace_too_large', 'its trace is as large as one may be'],
  ['aborted', 'the sender went away before the body was there'],
  ['busy', 'too many requests at once'],
  ['method', 'not a POST'],
  ['not_found', 'no such address'],
  ['timeout', 'the body took too long'],
  ['body_too_large', 'the body is larger than a request may be'],
  ['malformed', 'it cannot be read as OTLP'],
  ['unsupported_media_type', 'neither protobuf nor JSON'],
  ['unsupported_encoding', 'neither gzip nor zstd, nor plain'],
  ['host', 'the Host header names none of ours'],
]);

export function openStatus(root) {
  document.title = 'Status · rum-trace';
  return livePage(root, {
    everyMs: () => REFRESH_MS,
    ask: (signal) => get('status', null, signal),
    show: (status) => renew(root, head(status), h('div.cards', {}, storeCard(status.store), receivedCard(status), receiverCard(status.receivers), refusedCard(status))),
    failed(error) {
      fill(root, message('The status cannot be read', h('p', {}, error.message)));
      return true;
    },
  });
}

function head({ version }) {
  return h('header.page-head', {}, h('h1', {}, 'Status'), version && h('span.quiet', {}, 'rum-trace ', said(version, 40)));
}

function storeCard(store) {
  return card(
    'Stored',
    meter('Traces', store.traces, store.max_traces, count),
    meter('Memory', store.bytes, store.max_bytes, bytes),
    line('Spans', count(store.spans)),
    line('Evicted traces', count(store.evicted_traces), store.evicted_traces > 0),
    line('Evicted spans', count(store.evicted_spans), store.evicted_spans > 0),
    store.evicted_traces > 0 && h('p.card-note', {}, 'The oldest traces make room for new ones. The limits are options of rum-trace view.'),
  );
}

function receivedCard({ received, ignored }) {
  return card(
    'Received',
    line('Requests', count(received.requests)),
    line('Spans', count(received.spans)),
    line('Duplicates', count(received.duplicates)),
    Object.entries(ignored).map(([what, number]) => number > 0 && line(`Requests of ${what}`, count(number), false, 'answered, and left alone: only traces are kept')),
  );
}

function receiverCard({ http, grpc }) {
  const protocols = [http && ['OTLP over HTTP', http], grpc && ['OTLP over gRPC', grpc]].filter(Boolean);
  return card('Receivers', protocols.map(([name, address]) => [h('p.card-note', {}, name), lineToCopy(endpoint(address))]));
}

function refusedCard({ refused, connections_turned_away: turnedAway }) {
  const groups = Object.entries(refused).map(([what, reasons]) => [what, Object.entries(reasons).filter(([, number]) => number > 0)]);
  const some = groups.filter(([, reasons]) => reasons.length > 0);
  if (some.length === 0 && turnedAway === 0) return card('Refused', h('p.card-note', {}, 'Nothing: all that came was taken.'));
  return card(
    'Refused',
    some.map(([what, reasons]) => [h('h3', {}, what === 'spans' ? 'Spans' : 'Requests'), reasons.map(([reason, number]) => line(reason.replaceAll('_', ' '), count(number), true, REASONS.get(reason)))]),
    turnedAway > 0 && line('Connections', count(turnedAway), true, 'turned away: as many were open as may be'),
  );
}

function card(heading, ...children) {
  return h('section.card.panel', {}, h('h2', {}, heading), children);
}

function line(name, value, bad = false, note = null) {
  return h('div.card-line', {}, h('span', {}, name, note && h('span.card-why', {}, note)), h('span.number', { class: bad ? 'warn-text' : null }, value));
}

function meter(name, value, most, print) {
  const share = most > 0 ? Math.min(value / most, 1) : 0;
  return h(
    'div.card-meter',
    {},
    h('div.card-line', {}, h('span', {}, name), h('span.number', {}, `${print(value)} of ${print(most)}`, h('span.quiet', {}, ` · ${percent(share)}`))),
    h('div.meter', { role: 'meter', 'aria-label': name, 'aria-valuemin': '0', 'aria-valuemax': most, 'aria-valuenow': value }, h('span', { class: share > 0.9 ? 'is-full' : null, vars: { '--share': share } })),
  );
}
