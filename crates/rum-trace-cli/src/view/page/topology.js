// Who calls whom: a picture, and the same as a table.

import { get, isAbort } from './api.js';
import { diagram, MOST_NODES } from './diagram.js';
import { fill, h, said } from './dom.js';
import { emptyStore } from './empty.js';
import { count, duration, long, percent, plural, rate } from './format.js';
import { onChange, throttled } from './live.js';
import { loading, message, serviceName, tracesHref } from './parts.js';
import { go } from './router.js';

const REFRESH_MS = 2000;
/** A trace is counted once nothing has come for it for 2 seconds; no event tells of that. */
const COUNTED_MS = 3000;

export function openTopology(root) {
  document.title = 'Topology · rum-trace';
  const abort = new AbortController();
  const picture = diagram({ label: 'Who calls whom', onNode: toTraces });
  const figure = h('section.panel.topology-figure', { 'aria-label': 'Diagram' }, picture.element);
  const summary = h('span.quiet');
  const table = h('div.panel.table-scroll', { role: 'region', 'aria-label': 'Calls as a table', tabindex: '0' });
  const head = h('header.page-head', {}, h('h1', {}, 'Topology'), summary);
  let shown = false;
  fill(root, loading());
  const refreshSoon = throttled(load, () => REFRESH_MS);
  let later = setTimeout(refreshSoon, COUNTED_MS);
  const stop = onChange(() => {
    refreshSoon();
    clearTimeout(later);
    later = setTimeout(refreshSoon, COUNTED_MS);
  });
  load();

  return {
    close() {
      stop();
      refreshSoon.stop();
      clearTimeout(later);
      abort.abort();
    },
  };

  async function load() {
    try {
      show(await get('topology', null, abort.signal));
    } catch (error) {
      if (isAbort(error) || (error.status === 0 && shown)) return;
      fill(root, message('The topology cannot be drawn', h('p', {}, error.message)));
      shown = false;
    }
  }

  function show(topology) {
    if (topology.nodes.length === 0) {
      if (shown !== 'empty') emptyStore(root);
      shown = 'empty';
      return;
    }
    if (shown !== 'full') fill(root, head, figure, table);
    shown = 'full';
    const { nodes, edges, window_ns: window } = topology;
    const most = nodes.length > MOST_NODES ? `, the ${MOST_NODES} busiest drawn` : '';
    summary.textContent = `${plural(nodes.filter((node) => node.kind === 'service').length, 'service')}, ${plural(edges.reduce((sum, edge) => sum + edge.calls, 0), 'call')} within ${long(window)}${most}`;
    picture.draw(topology);
    fill(table, tableOf(topology));
  }
}

function toTraces(node) {
  if (node.kind === 'service') go(tracesHref({ service: node.name }));
  else if (node.kind === 'app') go(tracesHref({ app: node.id.replace(/^app:/, '') }));
  else go(tracesHref({ q: node.name.slice(0, 200) }));
}

function tableOf({ nodes, edges }) {
  const names = new Map(nodes.map((node) => [node.id, node]));
  const columns = ['From', 'To', 'Calls', 'Rate', 'Errors', 'p50', 'p95', 'Max', 'Nothing seen beyond'];
  const byCalls = [...edges].sort((a, b) => b.calls - a.calls).slice(0, 500);
  return h(
    'table.facts-table',
    {},
    h('caption', {}, 'Calls'),
    h('thead', {}, h('tr', {}, columns.map((name, index) => h('th', { scope: 'col', class: index < 2 ? 'as-text' : null }, name)))),
    h('tbody', {}, byCalls.map((edge) => row(edge, names))),
  );
}

function row(edge, names) {
  const share = edge.calls > 0 ? edge.errors / edge.calls : 0;
  return h(
    'tr',
    {},
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
