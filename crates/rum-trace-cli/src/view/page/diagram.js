// Services, apps and peers as a picture: boxes, and what calls what.

import { fill, h, svg, title } from './dom.js';
import { iconPath } from './icons.js';
import { count, duration, percent, plural, rate, short, visible } from './format.js';
import { layered } from './layout.js';
import { colourClass } from './services.js';

/** More boxes than this are no picture any more. */
export const MOST_NODES = 60;
/** And more lines than this are a tangle, that takes long to draw. */
export const MOST_EDGES = 200;
/** Labels of all traces are as wide as a multiple of this: a number that grows moves nothing. */
const LABEL_STEP = 12;
const PADDING = 12;
/** No smaller than this is the picture drawn to fit; then it scrolls. */
const SMALLEST = 0.72;
const SMALLEST_SMALL = 0.68;
/** Narrower than this a trace's services stand below each other. */
const BESIDE_PX = 520;
const ARROW = 11;
const FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const NAME_FONT = `600 13px ${FAMILY}`;
const TEXT_FONT = `11.5px ${FAMILY}`;
const LABEL_FONT = `11px ${FAMILY}`;
let drawn = 0;
let pen = null;

/**
 * `onNode(node)`: clicked; `leads(node)`: whether that does anything. `small`: for one trace,
 * with fewer words.
 */
export function diagram({ label, small = false, leads, onNode }) {
  const element = h('figure.diagram', { class: small ? 'is-small' : null });
  let topology = null;
  let marked = null;
  let width = 0;
  let shown = '';
  let placed = { key: null, layout: null };
  new ResizeObserver(() => {
    if (topology && Math.abs(element.clientWidth - width) > 4) redraw();
  }).observe(element);
  return { element, draw, mark };

  function draw(next) {
    const same = JSON.stringify(next);
    if (same === shown) return;
    shown = same;
    topology = next;
    redraw();
  }

  /** Shows a hop, by the names of its ends. */
  function mark(hop) {
    marked = hop;
    if (topology) redraw();
    element.scrollIntoView({ block: 'nearest' });
    element.querySelector('.edge.is-marked')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }

  function redraw() {
    width = element.clientWidth || element.parentElement?.clientWidth || innerWidth;
    const parts = chosen(topology);
    const nodes = parts.nodes.map((node) => ({ ...boxOf(node, parts.edges, small), node, id: node.id }));
    const edges = parts.edges.map((edge) => ({ ...labelOf(edge, small), edge, from: edge.from, to: edge.to }));
    const { layout, down } = place(nodes, edges);
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.node : null;
    fill(element, picture(layout, nodes, edges, down));
    if (focused) [...element.querySelectorAll('[data-node]')].find((each) => each.dataset.node === focused)?.focus({ preventScroll: true });
  }

  /** Where all are, as long as the same boxes are to be placed. */
  function place(nodes, edges) {
    const sizes = [...nodes, ...edges].map(({ id, from, to, width: wide, height }) => [id, from, to, wide, height]);
    const key = JSON.stringify([width, sizes]);
    if (placed.key !== key) placed = { key, ...fitted(nodes, edges, width, small) };
    return placed;
  }

  function picture(layout, nodes, edges, down) {
    drawn += 1;
    const arrow = `arrow-${drawn}`;
    const most = Math.max(...edges.map(({ edge }) => edge.calls), 1);
    const margin = 10;
    const box = [-margin, -margin, layout.width + 2 * margin, layout.height + 2 * margin].map(Math.ceil);
    const scale = Math.min(Math.max((width - 20) / box[2], small ? SMALLEST_SMALL : SMALLEST), 1);
    const now = new Map(edges.map((each) => [hop(each), each]));
    const lines = layout.edges.map((each) => edgeOf({ ...each, edge: now.get(hop(each.edge)) }, { arrow, most, down, small, marked: isMarked(now.get(hop(each.edge)).edge, nodes) }));
    return svg(
      'svg',
      { viewBox: box.join(' '), width: Math.round(box[2] * scale), height: Math.round(box[3] * scale), role: 'group', 'aria-label': label },
      svg('defs', {}, arrowHead(arrow)),
      lines.map((each) => each.line),
      nodes.map((each) => nodeOf(each, layout.nodes.get(each.id), leads(each.node) ? onNode : null)),
      lines.map((each) => each.label),
    );
  }

  function isMarked(edge, nodes) {
    if (!marked) return false;
    const name = (id) => nodes.find((each) => each.id === id)?.node;
    const is = (node, wanted) => node && (node.name === wanted || node.id === wanted || (node.kind === 'app' && !nodes.some((each) => each.node.name === wanted)));
    return is(name(edge.from), marked.from) && is(name(edge.to), marked.to);
  }
}

function hop({ from, to }) {
  return JSON.stringify([from, to]);
}

/** The busiest ones, in an order that does not change with the numbers. */
function chosen({ nodes, edges }) {
  const busiest = [...nodes].sort((a, b) => b.spans - a.spans || compare(a.id, b.id)).slice(0, MOST_NODES);
  const kinds = ['app', 'service', 'peer'];
  const kept = new Set(busiest.map((node) => node.id));
  return {
    nodes: busiest.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || compare(a.id, b.id)),
    edges: edges
      .filter(({ from, to }) => kept.has(from) && kept.has(to))
      .sort((a, b) => b.calls - a.calls || compare(a.from, b.from) || compare(a.to, b.to))
      .slice(0, MOST_EDGES)
      .sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to)),
  };
}

/** To the right if there is room, else down. */
function fitted(nodes, edges, width, small) {
  const gaps = small ? { across: 8, along: 12 } : { across: 18, along: 26 };
  const right = layered(nodes, edges, gaps);
  // The place of the small one is low: it rather scrolls sideways.
  const fits = small ? width >= BESIDE_PX : (right.width + 24) * SMALLEST <= width;
  if (fits) return { layout: right, down: false };
  const down = layered(nodes, edges, { ...gaps, down: true });
  return down.width < right.width ? { layout: down, down: true } : { layout: right, down: false };
}

function boxOf(node, edges, small) {
  const name = short(visible(node.name || '(no name)'), small ? 19 : 26);
  const loop = edges.find(({ from, to }) => from === node.id && to === node.id);
  const lines = [small ? errorText(node) : nodeText(node)].filter(Boolean);
  if (loop) lines.push(`calls itself ${count(loop.calls)}×`);
  const longest = Math.max(...[textWidth(name, NAME_FONT), ...lines.map((line) => textWidth(line, TEXT_FONT))].map((px) => px + 17));
  return { name, lines, width: Math.ceil(Math.max(longest + (small ? 1.5 : 2) * PADDING, 90)), height: (lines.length > 0 ? 30 : 34) + lines.length * 16 };
}

/** The same font as in diagram.css. */
function textWidth(text, font) {
  pen ??= document.createElement('canvas').getContext('2d');
  pen.font = font;
  return pen.measureText(text).width;
}

function nodeText({ kind, spans, errors }) {
  const what = kind === 'app' ? 'app' : kind === 'peer' ? 'peer' : plural(spans, 'span');
  return errors > 0 && kind === 'service' ? `${what}, ${plural(errors, 'error')}` : what;
}

function errorText({ kind, errors }) {
  return errors > 0 && kind === 'service' ? plural(errors, 'error') : null;
}

function labelOf(edge, small) {
  const lines = small ? oneLine(edge) : allLines(edge);
  const longest = Math.max(...lines.map((line) => textWidth(line, LABEL_FONT)));
  const step = small ? 1 : LABEL_STEP;
  return { lines, width: Math.ceil((longest + 14) / step) * step, height: lines.length * 15 + 6 };
}

function oneLine({ calls, errors, lost, p50_ns: p50, max_ns: max }) {
  const time = calls === 1 ? p50 : max;
  const words = [calls > 1 && `${count(calls)}×`, Number.isFinite(time) && duration(time), errors > 0 && (calls === 1 ? '✗' : `${count(errors)} ✗`)];
  const line = words.filter(Boolean).join(' · ') || plural(calls, 'call');
  return lost > 0 ? [line, noSpan(lost)] : [line];
}

function allLines({ calls, errors, lost, rate_per_s: perSecond, p50_ns: p50, p95_ns: p95 }) {
  const often = [plural(calls, 'call'), Number.isFinite(perSecond) && rate(perSecond)].filter(Boolean).join(' · ');
  const lines = [often, `p50 ${duration(p50)} · p95 ${duration(p95)}`];
  const bad = [errors > 0 && `${percent(errors / Math.max(calls, 1))} errors`, lost > 0 && noSpan(lost)].filter(Boolean);
  if (bad.length > 0) lines.push(bad.join(' · '));
  return lines;
}

function noSpan(lost) {
  return `${count(lost)}× no span from the callee`;
}

function nodeOf({ name, lines, width, height, node }, { x, y }, onNode) {
  const act = (event) => {
    if (event.type === 'keydown' && event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    event.stopPropagation();
    onNode(node);
  };
  const group = svg(
    'g',
    {
      class: `node${onNode ? ' leads' : ''} node-${node.kind} ${node.kind === 'service' ? colourClass(node.name) : 'c-none'}${node.errors > 0 ? ' has-errors' : ''}`,
      transform: `translate(${x - width / 2} ${y - height / 2})`,
      role: onNode ? 'button' : 'img',
      tabindex: onNode ? '0' : null,
      'aria-label': title(`${node.kind} ${short(node.name, 120)}, ${plural(node.spans, 'span')}, ${plural(node.errors, 'error')}`),
      data: { node: node.id },
      on: onNode && { click: act, keydown: act },
    },
    svg('title', {}, short(node.name, 400)),
    svg('rect', { class: 'node-box', width, height, rx: node.kind === 'app' ? 14 : 7 }),
    node.kind === 'service' ? svg('circle', { class: 'node-dot', cx: PADDING + 5, cy: 18, r: 5 }) : svg('path', { class: 'node-glyph', d: iconPath(node.kind), transform: `translate(${PADDING - 3} 10)` }),
    svg('text', { class: 'node-name', x: PADDING + 17, y: 22 }, name),
    lines.map((line, index) => svg('text', { class: 'node-text', x: PADDING + 17, y: 39 + index * 16 }, line)),
  );
  return group;
}

function edgeOf({ edge: labelled, points, label }, { arrow, most, down, small, marked }) {
  const { edge } = labelled;
  const path = curve(withRoomForArrow(points, down), down);
  const share = edge.calls > 0 ? Math.min(edge.errors / edge.calls, 1) : 0;
  // Over the same time, calls stand to each other as rates do.
  const width = small ? 2 : 1.5 + 5 * Math.sqrt(edge.calls / most);
  const line = svg(
    'g.edge',
    { class: [marked && 'is-marked', edge.lost > 0 && 'has-lost'].filter(Boolean).join(' ') || null, data: { from: edge.from, to: edge.to } },
    svg('path', { class: 'edge-line', d: path, 'stroke-width': width.toFixed(2), 'marker-end': `url(#${arrow})` }),
    // As much of its length is red as calls failed; a single one is seen, too.
    share > 0 && svg('path', { class: 'edge-errors', d: path, 'stroke-width': width.toFixed(2), pathLength: 1, 'stroke-dasharray': `${Math.max(share, 0.06).toFixed(4)} 2` }),
  );
  return { line, label: label && labelText(labelled, label, marked) };
}

function labelText({ lines, width, height, edge }, { x, y }, marked) {
  const bad = (line) => (/errors?$|✗$|no span/.test(line) ? ' is-bad' : '');
  return svg(
    'g',
    { class: `edge-label${marked ? ' is-marked' : ''}`, transform: `translate(${x - width / 2} ${y - height / 2})` },
    svg('title', {}, short(`${edge.from} → ${edge.to}`, 400)),
    svg('rect', { class: 'edge-label-box', width, height, rx: 5 }),
    lines.map((line, index) => svg('text', { class: `edge-text${bad(line)}`, x: width / 2, y: 15 + index * 15 }, line)),
  );
}

/** A thick line would stand out around the tip. */
function withRoomForArrow(points, down) {
  const [before, last] = points.slice(-2);
  const axis = down ? 'y' : 'x';
  const back = Math.sign(last[axis] - before[axis]) * (ARROW - 1);
  return [...points.slice(0, -1), { ...last, [axis]: last[axis] - back }];
}

/** Smooth, and along the layers where it meets a box or a label. */
function curve(points, down) {
  const [first, ...rest] = points;
  let from = first;
  let path = `M${spot(from)}`;
  for (const to of rest) {
    const half = down ? (to.y - from.y) / 2 : (to.x - from.x) / 2;
    const [a, b] = down
      ? [{ x: from.x, y: from.y + half }, { x: to.x, y: to.y - half }]
      : [{ x: from.x + half, y: from.y }, { x: to.x - half, y: to.y }];
    path += `C${spot(a)} ${spot(b)} ${spot(to)}`;
    from = to;
  }
  return path;
}

function spot({ x, y }) {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}

function arrowHead(id) {
  return svg('marker', { id, class: 'arrow', viewBox: '0 0 10 10', refX: 1, refY: 5, markerWidth: ARROW, markerHeight: ARROW, markerUnits: 'userSpaceOnUse', orient: 'auto' }, svg('path', { d: 'M0,0 L10,5 L0,10 z' }));
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
