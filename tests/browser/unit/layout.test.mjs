import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { layered } = await load('layout.js');
const node = (id, width = 100, height = 40) => ({ id, width, height });
const edge = (from, to) => ({ from, to, width: 80, height: 20 });

/** Small, fixed pseudo-random numbers. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function boxes(nodes, layout) {
  const ofNodes = nodes.map(({ id, width, height }) => ({ ...layout.nodes.get(id), width, height }));
  const ofLabels = layout.edges.map(({ edge: { width, height }, label }) => ({ ...label, width, height }));
  return [...ofNodes, ...ofLabels];
}

function overlapping(list) {
  return list.flatMap((a, index) => list.slice(index + 1).filter((b) => Math.abs(a.x - b.x) * 2 < a.width + b.width - 0.01 && Math.abs(a.y - b.y) * 2 < a.height + b.height - 0.01));
}

const graph = (names, pairs) => [names.map((name) => node(name)), pairs.map(([from, to]) => edge(from, to))];

test('what calls stands before what is called', () => {
  const [nodes, edges] = graph(['a', 'b', 'c'], [['a', 'b'], ['b', 'c'], ['a', 'c']]);
  const right = layered(nodes, edges);
  assert.ok(right.nodes.get('a').x < right.nodes.get('b').x && right.nodes.get('b').x < right.nodes.get('c').x);
  const down = layered(nodes, edges, { down: true });
  assert.ok(down.nodes.get('a').y < down.nodes.get('b').y && down.nodes.get('b').y < down.nodes.get('c').y);
});

test('circles, loops, what calls back and nothing at all', () => {
  for (const [names, pairs, drawn] of [
    [[], [], 0],
    [['a'], [], 0],
    [['a'], [['a', 'a']], 0],
    [['a', 'b'], [['a', 'b'], ['b', 'a']], 2],
    [['a', 'b', 'c'], [['a', 'b'], ['b', 'c'], ['c', 'a']], 3],
    [['a', 'b'], [['a', 'b'], ['a', 'unknown']], 1],
  ]) {
    const [nodes, edges] = graph(names, pairs);
    const layout = layered(nodes, edges);
    assert.deepEqual([layout.nodes.size, layout.edges.length], [names.length, drawn]);
    assert.deepEqual(overlapping(boxes(nodes, layout)), []);
    for (const { x, y } of layout.nodes.values()) assert.ok(Number.isFinite(x) && Number.isFinite(y));
  }
});

test('no two boxes or labels overlap, whatever the graph', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = numbers(seed);
    const nodes = Array.from({ length: 1 + random(24) }, (_, index) => node(`n${index}`, 60 + random(160), 30 + random(40)));
    const edges = Array.from({ length: random(50) }, () => ({ from: `n${random(nodes.length)}`, to: `n${random(nodes.length)}`, width: 40 + random(120), height: 18 + random(30) }));
    for (const down of [false, true]) {
      const layout = layered(nodes, edges, { down });
      const all = boxes(nodes, layout);
      assert.deepEqual(overlapping(all), [], `seed ${seed}`);
      for (const { x, y, width, height } of all) {
        assert.ok(x - width / 2 > -0.01 && y - height / 2 > -0.01 && x + width / 2 < layout.width + 0.01 && y + height / 2 < layout.height + 0.01, `seed ${seed}: outside`);
      }
    }
  }
});

test('an edge goes in the direction of the call, also where it closes a circle', () => {
  const [nodes, edges] = graph(['a', 'b'], [['a', 'b'], ['b', 'a']]);
  const layout = layered(nodes, edges);
  for (const { edge: { from }, points } of layout.edges) {
    const start = layout.nodes.get(from);
    assert.ok(Math.abs(points[0].x - start.x) <= 50.01, `${from} begins elsewhere`);
  }
});

test('the same graph gives the same picture', () => {
  const [nodes, edges] = graph(['a', 'b', 'c', 'd'], [['a', 'c'], ['b', 'c'], ['c', 'd'], ['d', 'b']]);
  assert.deepEqual(layered(nodes, edges), layered(nodes, edges));
});

test('a long chain ends', () => {
  const names = Array.from({ length: 2000 }, (_, index) => `n${index}`);
  const [nodes, edges] = graph(names, names.slice(1).map((name, index) => [names[index], name]));
  assert.equal(layered(nodes, edges).nodes.size, 2000);
});
