// Who calls whom: a picture, and the same as a table.

import { get } from './api.js';
import { diagram, MOST_EDGES, MOST_NODES } from './diagram.js';
import { fill, h, said } from './dom.js';
import { emptyStore } from './empty.js';
import { count, duration, long, percent, plural, rate } from './format.js';
import { livePage } from './live-page.js';
import { message, serviceName, tracesHref } from './parts.js';
import { renew } from './renew.js';
import { go } from './router.js';

const REFRESH_MS = 2000;
const MOST_LINES = 500;

export function openTopology(root) {
  document.title = 'Topology · rum-trace';
  const picture = diagram({ label: 'Who calls whom', leads: filtersOf, onNode: (node) => go(tracesHref(filtersOf(node))) });
  const figure = h('section.panel.topology-figure', { 'aria-label': 'Diagram' }, picture.element);
  const summary = h('span.quiet');
  const table = h('div.panel.table-scroll', { role: 'region', 'aria-label': 'Calls as a table', tabindex: '0' });
  const head = h('header.page-head', {}, h('h1', {}, 'Topology'), summary);
  /** `empty`, `early`, `full`. */
  let drawn = null;
  return livePage(root, {
    everyMs: () => REFRESH_MS,
    ask,
    show,
    failed(error) {
      drawn = null;
      fill(root, message('The topology cannot be drawn', h('p', {}, error.message)));
      return true;
    },
  });

  async function ask(signal) {
    const topology = await get('topology', null, signal);
    const empty = topology.nodes.length === 0;
    const early = empty && (await get('status', null, signal)).store.traces > 0;
    return { topology, next: !empty ? 'full' : early ? 'early' : 'empty' };
  }

  function show({ topology, next }) {
    if (drawn !== next) fill(root, next === 'full' ? [head, figure, table] : next === 'early' ? tooEarly() : emptyStore());
    drawn = next;
    if (next !== 'full') return;
    summary.textContent = inShort(topology);
    picture.draw(topology);
    renew(table, tableOf(topology));
  }
}

function tooEarly() {
  return message('Nothing is counted yet', h('p', {}, 'A trace is counted once nothing has arrived for it for 2 seconds.'));
}

function inShort({ nodes, edges, window_ns: window }) {
  const services = nodes.filter((node) => node.kind === 'service').length;
  const calls = edges.reduce((sum, edge) => sum + edge.calls, 0);
  const within = window < 60e9 ? duration(window) : long(window);
  const few = [nodes.length > MOST_NODES && `the ${MOST_NODES} busiest nodes`, edges.length > MOST_EDGES && `the ${MOST_EDGES} busiest hops`].filter(Boolean);
  const drawn = few.length > 0 ? `; ${few.join(' and ')} are drawn` : '';
  return `${plural(services, 'service')}, ${plural(calls, 'call')} within ${within}${drawn}`;
}

/** By which its traces are found; an app of which nothing is known is found by nothing. */
function filtersOf({ id, kind, name }) {
  if (kind === 'service') return { service: name };
  if (kind === 'peer') return { peer: name };
  if (id.startsWith('app:')) return { app: name };
  return id === 'app_type:unknown' ? null : { app_type: name };
}

function tableOf({ nodes, edges, truncated }) {
  const names = new Map(nodes.map((node) => [node.id, node]));
  const columns = ['From', 'To', 'Calls', 'Rate', 'Errors', 'p50', 'p95', 'Max', 'No span from the callee'];
  const byCalls = [...edges].sort((a, b) => b.calls - a.calls).slice(0, MOST_LINES);
  return h(
    'table.facts-table',
    {},
    h('caption', {}, byCalls.length < edges.length || truncated > 0 ? `Calls: the ${byCalls.length} busiest hops` : 'Calls'),
    h('thead', {}, h('tr', {}, columns.map((name, index) => h('th', { scope: 'col', class: index < 2 ? 'as-text' : null }, name)))),
    h('tbody', {}, byCalls.map((edge) => row(edge, names))),
  );
}

function row(edge, names) {
  const share = edge.calls > 0 ? edge.errors / edge.calls : 0;
  return h(
    'tr',
    { data: { key: `${edge.from} ${edge.to}` } },
    h('td.as-text', {}, nameOf(names.get(edge.from), edge.from)),
    h('td.as-text', {}, nameOf(names.get(edge.to), edge.to)),
    h('td', {}, count(edge.calls)),
    h('td', {}, edge.rate_per_s === null ? '–' : rate(edge.rate_per_s)),
    h('td', { class: edge.errors > 0 ? 'error-text' : null }, edge.errors > 0 ? `${count(edge.errors)} (${percent(share)})` : '0'),
    h('td', {}, duration(edge.p50_ns)),
    h('td', {}, duration(edge.p95_ns)),
    h('td', {}, duration(edge.max_ns)),
    h('td', {}, edge.lost > 0 ? count(edge.lost) : '–'),
  );
}

function nameOf(node, id) {
  if (!node) return said(id, 200);
  if (node.kind === 'service') return serviceName(node.name);
  return [h('span.tag', {}, node.kind), ' ', said(node.name, 200)];
}
