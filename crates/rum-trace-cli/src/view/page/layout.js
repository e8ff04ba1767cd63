// A layered layout of a small directed graph: what calls stands before what is called.
// The same graph gives the same picture. Nothing overlaps, by construction: a label of an
// edge has a place of its own in the layer between, as a node has. Nothing here touches
// the page.

const SWEEPS = 8;
/** Half a gap: where an edge passes by. */
const THIN = 14;

/**
 * `nodes`: `{id, width, height}`; `edges`: `{from, to, width, height}` of the label.
 * `down` turns the layers, which go to the right otherwise.
 */
export function layered(nodes, edges, { down = false, across = 18, along = 26 } = {}) {
  const known = new Set(nodes.map(({ id }) => id));
  const proper = edges.filter(({ from, to }) => from !== to && known.has(from) && known.has(to));
  const turned = acyclic(nodes, proper);
  const ranks = ranked(nodes, turned);
  const { layers, chains } = withDummies(nodes, turned, ranks, down);
  order(layers);
  settle(layers, across);
  return placed(layers, chains, { down, along });
}

/** The edges that close a circle, turned round: found by a walk without recursion. */
function acyclic(nodes, edges) {
  const out = grouped(edges, (edge) => edge.from);
  const open = new Set();
  const done = new Set();
  const back = new Set();
  const targets = new Set(edges.map(({ to }) => to));
  const starts = [...nodes.filter(({ id }) => !targets.has(id)), ...nodes];
  for (const { id } of starts) {
    if (done.has(id)) continue;
    const stack = [{ id, next: 0 }];
    open.add(id);
    while (stack.length > 0) {
      const top = stack.at(-1);
      const edge = (out.get(top.id) ?? [])[top.next];
      top.next += 1;
      if (!edge) {
        open.delete(top.id);
        done.add(top.id);
        stack.pop();
      } else if (open.has(edge.to)) back.add(edge);
      else if (!done.has(edge.to)) {
        open.add(edge.to);
        stack.push({ id: edge.to, next: 0 });
      }
    }
  }
  return edges.map((edge) => {
    const reversed = back.has(edge);
    return { edge, reversed, from: reversed ? edge.to : edge.from, to: reversed ? edge.from : edge.to };
  });
}

/** The longest way from a source; twice that, as labels stand between. */
function ranked(nodes, edges) {
  const out = grouped(edges, (edge) => edge.from);
  const missing = new Map(nodes.map(({ id }) => [id, 0]));
  for (const { to } of edges) missing.set(to, missing.get(to) + 1);
  const ranks = new Map(nodes.map(({ id }) => [id, 0]));
  const ready = nodes.map(({ id }) => id).filter((id) => missing.get(id) === 0);
  for (let at = 0; at < ready.length; at += 1) {
    for (const { to } of out.get(ready[at]) ?? []) {
      ranks.set(to, Math.max(ranks.get(to), ranks.get(ready[at]) + 2));
      missing.set(to, missing.get(to) - 1);
      if (missing.get(to) === 0) ready.push(to);
    }
  }
  return ranks;
}

/** Edges over several layers get a thin place in each, the first one their label. */
function withDummies(nodes, edges, ranks, down) {
  const layers = [];
  const cells = new Map();
  const add = (rank, cell) => {
    while (layers.length <= rank) layers.push([]);
    layers[rank].push(Object.assign(cell, { rank, before: [], after: [] }));
    return cell;
  };
  const size = ({ width = 0, height = 0 }) => (down ? { breadth: width, length: height } : { breadth: height, length: width });
  for (const node of nodes) cells.set(node.id, add(ranks.get(node.id), { node, ...size(node) }));
  const chains = edges.map((turned) => {
    const { edge, from, to, reversed } = turned;
    const chain = [cells.get(from)];
    for (let rank = ranks.get(from) + 1; rank < ranks.get(to); rank += 1) {
      const labelled = rank === ranks.get(from) + 1;
      const room = labelled ? size(edge) : { breadth: THIN, length: 0 };
      chain.push(add(rank, { edge, label: labelled, ...room }));
    }
    chain.push(cells.get(to));
    chain.slice(1).forEach((cell, index) => {
      chain[index].after.push(cell);
      cell.before.push(chain[index]);
    });
    return { edge, chain, reversed };
  });
  return { layers, chains };
}

/** Sweeps down and up; the order with the fewest crossings stays. */
function order(layers) {
  number(layers);
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(layers);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep += 1) {
    const downwards = sweep % 2 === 0;
    for (const layer of downwards ? layers : [...layers].reverse()) {
      const wish = new Map(layer.map((cell) => [cell, mean(downwards ? cell.before : cell.after, (each) => each.index) ?? cell.index]));
      layer.sort((a, b) => wish.get(a) - wish.get(b) || a.index - b.index);
      layer.forEach((cell, index) => (cell.index = index));
    }
    const now = crossings(layers);
    if (now < fewest) {
      fewest = now;
      best = layers.map((layer) => [...layer]);
    }
  }
  best.forEach((layer, rank) => (layers[rank] = layer));
  number(layers);
}

function number(layers) {
  for (const layer of layers) layer.forEach((cell, index) => (cell.index = index));
}

function crossings(layers) {
  let sum = 0;
  for (const layer of layers) {
    const ends = layer.flatMap((cell) => cell.after.map((to) => to.index).sort((a, b) => a - b));
    sum += inversions(ends);
  }
  return sum;
}

/** How many pairs are in the wrong order: counted while they are merged. */
function inversions(list) {
  if (list.length < 2) return 0;
  const [left, right] = [list.slice(0, list.length >> 1), list.slice(list.length >> 1)];
  let sum = inversions(left) + inversions(right);
  let at = 0;
  let from = 0;
  for (const each of right) {
    while (from < left.length && left[from] <= each) list[at++] = left[from++];
    sum += left.length - from;
    list[at++] = each;
  }
  while (from < left.length) list[at++] = left[from++];
  return sum;
}

/** Places across: each where its neighbours are, as near as its own neighbours let it. */
function settle(layers, gap) {
  for (const layer of layers) {
    let at = 0;
    for (const cell of layer) {
      cell.across = at + cell.breadth / 2;
      at += cell.breadth + gap;
    }
  }
  for (let sweep = 0; sweep < SWEEPS * 2; sweep += 1) {
    const downwards = sweep % 2 === 0;
    for (const layer of downwards ? layers : [...layers].reverse()) {
      const wishes = layer.map((cell) => {
        const near = downwards ? cell.before : cell.after;
        return mean(near, (each) => each.across) ?? cell.across;
      });
      spread(layer, wishes, gap);
    }
  }
}

/**
 * The places nearest to the wishes (by least squares) that keep order and distance:
 * without the distances it is an isotonic regression, by pooling adjacent violators.
 */
function spread(layer, wishes, gap) {
  let offset = 0;
  const offsets = layer.map((cell, index) => {
    if (index > 0) offset += (layer[index - 1].breadth + cell.breadth) / 2 + gap;
    return offset;
  });
  const blocks = [];
  wishes.forEach((wish, index) => {
    blocks.push({ sum: wish - offsets[index], size: 1 });
    while (blocks.length > 1 && average(blocks.at(-2)) > average(blocks.at(-1))) {
      const last = blocks.pop();
      blocks.at(-1).sum += last.sum;
      blocks.at(-1).size += last.size;
    }
  });
  let index = 0;
  for (const block of blocks) {
    for (let each = 0; each < block.size; each += 1, index += 1) {
      layer[index].across = average(block) + offsets[index];
    }
  }
}

function placed(layers, chains, { down, along }) {
  const lowest = Math.min(...layers.flat().map((cell) => cell.across - cell.breadth / 2), Infinity);
  let at = 0;
  for (const layer of layers) {
    const length = Math.max(...layer.map((cell) => cell.length), 0);
    for (const cell of layer) {
      cell.along = at + length / 2;
      cell.across -= lowest;
    }
    at += length + along;
  }
  const point = (cell, shift = 0) => (down ? { x: cell.across, y: cell.along + shift } : { x: cell.along + shift, y: cell.across });
  const cells = layers.flat();
  const breadth = Math.max(...cells.map((cell) => cell.across + cell.breadth / 2), 0);
  const length = Math.max(at - along, 0);
  return {
    width: down ? breadth : length,
    height: down ? length : breadth,
    nodes: new Map(cells.filter((cell) => cell.node).map((cell) => [cell.node.id, point(cell)])),
    edges: chains.map((each) => traced(each, point)),
  };
}

/** From border to border, through the places between, in the direction of the call. */
function traced({ edge, chain, reversed }, point) {
  const points = chain.flatMap((cell, index) => {
    if (index === 0) return [point(cell, cell.length / 2)];
    if (index === chain.length - 1) return [point(cell, -cell.length / 2)];
    // A label lies on a straight piece of its edge.
    return cell.label ? [point(cell, -cell.length / 2), point(cell, cell.length / 2)] : [point(cell)];
  });
  const label = chain.find((cell) => cell.label);
  return { edge, points: reversed ? points.reverse() : points, label: label ? point(label) : null };
}

function grouped(list, key) {
  const groups = new Map();
  for (const each of list) {
    const group = groups.get(key(each));
    if (group) group.push(each);
    else groups.set(key(each), [each]);
  }
  return groups;
}

function mean(list, value) {
  return list.length === 0 ? null : list.reduce((sum, each) => sum + value(each), 0) / list.length;
}

function average({ sum, size }) {
  return sum / size;
}
