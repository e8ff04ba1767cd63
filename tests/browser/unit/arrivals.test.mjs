import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { arrivals } = await load('arrivals.js');
const trace = (arrival, sequence = arrival + 1, id = `t${arrival}`) => ({ trace_id: id, arrival: String(arrival), sequence });
/** As the API answers: the newest of `from` to `to`, a hundred at most. */
function answer(from, to, sequence = to + 1, least = from) {
  const all = Array.from({ length: to - from + 1 }, (_, index) => trace(to - index));
  const traces = all.slice(0, 100);
  return { traces, next: traces.at(-1)?.arrival === String(least) || traces.length < 100 ? null : traces.at(-1).arrival, sequence };
}
const ids = (list) => list.map((each) => Number(each.trace_id.slice(1)));
const down = (from, to) => Array.from({ length: from - to + 1 }, (_, index) => from - index);

test('the list is in order of arrival, whatever starts when', () => {
  const list = arrivals();
  list.whole(answer(0, 4));
  list.some([trace(7), trace(5), trace(6)]);
  assert.deepEqual(ids(list.show('top')), down(7, 0));
});

test('what changed is changed, and an older word of it is not heard', () => {
  const list = arrivals();
  list.whole(answer(0, 2));
  list.some([{ ...trace(1, 9), spans: 2 }]);
  assert.equal(list.show('top')[1].spans, 2);
  list.whole({ traces: [trace(2), trace(1), trace(0)], next: null, sequence: 5 });
  assert.equal(list.show('top')[1].spans, 2, 'the answer was on its way');
});

test('a page that has nothing in common with the list takes its place: no hole', () => {
  const list = arrivals();
  list.whole(answer(0, 9));
  list.show('top');
  list.whole(answer(0, 259));
  assert.deepEqual(ids(list.show('top')), down(259, 160));
  assert.equal(list.oldest(), '160', 'and the older ones follow it');
  assert.equal(list.older('160', answer(0, 159)), 100);
  assert.deepEqual(ids(list.show('top')), down(259, 60));
});

test('who reads below, or has paused, keeps what is shown', () => {
  for (const how of ['below', 'paused']) {
    const list = arrivals();
    list.whole(answer(0, 9));
    list.show('top');
    list.whole(answer(0, 259));
    assert.deepEqual(ids(list.show(how)), down(9, 0));
    assert.equal(list.waiting(), 100);
    assert.ok(list.isBehind());
    assert.equal(list.oldest(), null, 'nothing is appended below a hole');
    assert.deepEqual(ids(list.show('top')), down(259, 160));
  }
});

test('what waits comes in its order, however often it was told', () => {
  const list = arrivals();
  list.whole(answer(0, 1));
  list.show('top');
  for (const numbers of [[3, 2], [5], [4, 2], [6]]) {
    list.some(numbers.map((number) => trace(number, 10)));
    assert.deepEqual(ids(list.show('below')), [1, 0]);
  }
  assert.equal(list.waiting(), 5);
  assert.deepEqual(ids(list.show('top')), down(6, 0));
});

test('what waits is bounded', () => {
  const list = arrivals();
  list.whole(answer(0, 9));
  list.show('top');
  for (let number = 10; number < 3000; number += 1) {
    list.some([trace(number)]);
    list.show('paused');
  }
  assert.equal(list.waiting(), 1000);
  assert.deepEqual(ids(list.show('top')), down(2999, 2000));
  assert.equal(list.oldest(), '2000', 'those that had to go can be asked for');
});

test('over a thousand rows the oldest go, and can be asked for again', () => {
  const list = arrivals();
  list.whole(answer(0, 9));
  for (let number = 10; number < 1500; number += 1) {
    list.some([trace(number)]);
    list.show('top');
  }
  assert.deepEqual(ids(list.shown()), down(1499, 500));
  assert.equal(list.oldest(), '500');
  // A span of one that is no more shown: its place is below.
  list.some([trace(3, 1600)]);
  assert.equal(list.show('top').length, 1000);
  assert.equal(list.older('500', answer(0, 499)), 100);
  assert.deepEqual(ids(list.show('top')), down(1499, 400));
});

test('older ones that were asked for before a row had to go are not taken', () => {
  const list = arrivals();
  list.whole(answer(0, 150));
  list.show('top');
  assert.equal(list.older('99', answer(0, 98)), 0);
  assert.equal(list.shown().length, 100);
});

test('what is no more listed goes: evicted, or by the filter', () => {
  const list = arrivals();
  list.whole(answer(0, 4));
  list.show('top');
  list.some([trace(5, 20)]);
  list.whole({ traces: [trace(4), trace(2)], next: null, sequence: 10 });
  // The fifth is newer than the answer.
  assert.deepEqual(ids(list.show('top')), [5, 4, 2]);
});

test('another process: nothing of before stays, also of what is shown', () => {
  for (const many of [3, 150]) {
    const list = arrivals();
    list.whole(answer(0, 299));
    list.show('top');
    const fresh = Array.from({ length: Math.min(many, 100) }, (_, index) => trace(many - 1 - index, 1, `n${many - 1 - index}`));
    list.whole({ traces: fresh, next: many > 100 ? '50' : null, sequence: many });
    assert.deepEqual(list.show('below').map((each) => each.trace_id), fresh.map((each) => each.trace_id));
  }
});

test('with other filters the first answer is shown, also while it is paused', () => {
  const list = arrivals();
  list.whole(answer(0, 4));
  list.show('top');
  list.reset();
  assert.deepEqual(list.show('paused'), [], 'until then nothing');
  list.whole({ traces: [trace(3)], next: null, sequence: 5 });
  assert.deepEqual(ids(list.show('paused')), [3]);
  list.some([trace(6)]);
  assert.deepEqual(ids(list.show('paused')), [3]);
});

test('on the way back the list is as it was', () => {
  const list = arrivals();
  list.whole(answer(0, 150));
  list.show('top');
  const back = arrivals();
  back.restore(list.kept());
  assert.deepEqual(ids(back.shown()), down(150, 51));
  back.whole(answer(0, 152));
  assert.deepEqual(ids(back.show('below')), down(150, 51));
  assert.equal(back.waiting(), 2);
});
