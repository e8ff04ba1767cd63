import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const r = await load('rows.js');
const row = (span_id, depth, start_ns, duration_ns, more = {}) => ({ span_id, key: span_id, depth, start_ns, duration_ns, name: span_id, kind: 'internal', service: 0, http_status: null, status: 'unset', marks: [], ...more });
const rows = [row('a', 0, 0, 100), row('b', 1, 10, 40), row('c', 2, 15, 10), row('d', 1, 40, 30), row('e', 0, -20, 5)];

test('the extent holds all rows, and is never empty', () => {
  assert.deepEqual(r.extent(rows), { from: -20, to: 100 });
  assert.deepEqual(r.extent([]), { from: 0, to: 1 });
  assert.deepEqual(r.extent([row('a', 0, 7, 0)]), { from: 7, to: 8 });
});

test('a collapsed row hides what is under it', () => {
  assert.deepEqual(r.seen(rows, new Set()), [0, 1, 2, 3, 4]);
  assert.deepEqual(r.seen(rows, new Set(['b'])), [0, 1, 3, 4]);
  assert.deepEqual(r.seen(rows, new Set(['a', 'b'])), [0, 4]);
});

test('two rows of one id have two keys', () => {
  const twice = [row('a', 0, 0, 1), row('b', 1, 0, 1), row('a', 1, 0, 1, { service: 3 })];
  assert.deepEqual(r.keyed(twice).map(({ key }) => key), ['a', 'b', 'a:3']);
});

test('parents and subtrees', () => {
  assert.deepEqual(rows.map((_, index) => r.parentOf(rows, index)), [-1, 0, 1, 0, -1]);
  assert.deepEqual(rows.map((_, index) => r.subtreeEnd(rows, index)), [4, 3, 3, 4, 5]);
});

test('the time by itself leaves out what children cover, once', () => {
  assert.equal(r.selfTime(rows, 0), 40);
  assert.equal(r.selfTime(rows, 1), 30);
  assert.equal(r.selfTime([row('a', 0, 0, 10), row('b', 1, -5, 50)], 0), 0);
});

test('places are shares of the view, clipped', () => {
  const view = { from: 0, to: 100 };
  assert.deepEqual(r.place(25, 50, view), { left: 0.25, right: 0.75, before: false, after: false });
  assert.deepEqual(r.place(-50, 100, view), { left: 0, right: 0.5, before: false, after: false });
  assert.deepEqual(r.place(-50, 10, view).before, true);
  assert.deepEqual(r.place(150, 10, view).after, true);
});

test('zooming keeps its point, and stays within the whole', () => {
  const whole = { from: 0, to: 1000 };
  assert.deepEqual(r.zoomed(whole, whole, 0.5, 0), { from: 0, to: 500 });
  assert.deepEqual(r.zoomed({ from: 400, to: 600 }, whole, 0.5, 500), { from: 450, to: 550 });
  assert.deepEqual(r.zoomed({ from: 0, to: 500 }, whole, 10, 100), whole);
  assert.deepEqual(r.within({ from: 900, to: 1100 }, whole), { from: 800, to: 1000 });
});

test('matching looks at what is shown', () => {
  const found = (text) => r.matching([row('a1', 0, 0, 1, { name: 'GET /x', kind: 'server', http_status: 404 }), row('b2', 0, 0, 1, { service: null, marks: ['clock_skew'] })], ['shop'], text);
  for (const [text, expected] of [['get', [0]], ['SHOP', [0]], ['404', [0]], ['b2', [1]], ['skew', [1]], ['', []], ['nothing', []]]) assert.deepEqual(found(text), expected, text);
});
