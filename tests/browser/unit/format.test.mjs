import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const f = await load('format.js');
const plain = (text) => text.replaceAll('\u00a0', ' ').replaceAll('\u202f', ' ');

test('durations have three digits in the unit that fits', () => {
  for (const [ns, expected] of [
    [0, '0 ns'], [1, '1 ns'], [999, '999 ns'], [1000, '1 µs'], [1234, '1.23 µs'], [12345, '12.3 µs'], [999499, '999 µs'], [999600, '1 ms'],
    [48_000_000, '48 ms'], [1_240_000_000, '1.24 s'], [59_900_000_000, '59.9 s'], [60e9, '1 min'], [125e9, '2 min 5 s'], [7200e9, '2 h'], [90_000e9, '1 d 1 h'],
    [-1500, '−1.5 µs'], [NaN, '–'], [undefined, '–'], [Infinity, '–'],
  ]) assert.equal(plain(f.duration(ns)), expected, String(ns));
});

test('times over 2^53 lose no milliseconds', () => {
  assert.equal(f.unixMs('1700000000123456789'), 1700000000123.456);
  assert.equal(f.nsBetween('1700000000123456789', '1700000000123456799'), 10);
  for (const wrong of ['', null, undefined, '-1', '1e9', 'x', '123456789012345678901']) assert.ok(Number.isNaN(f.unixMs(wrong)), String(wrong));
  assert.equal(f.clock(NaN), '–');
  assert.equal(f.dateTime(Infinity), '–');
});

test('a time tells how far its zone is from UTC', () => {
  const zone = process.env.TZ;
  for (const [name, expected] of [['UTC', '1970-01-01 00:00:00.000 +00:00'], ['Asia/Kolkata', '1970-01-01 05:30:00.000 +05:30'], ['America/New_York', '1969-12-31 19:00:00.000 −05:00']]) {
    process.env.TZ = name;
    assert.equal(f.zoned(0), expected);
  }
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

test('ages are rough', () => {
  for (const [ms, expected] of [[-5000, 'now'], [4999, 'now'], [7000, '5 s'], [61_000, '1 min'], [3_700_000, '1 h'], [90_000_000, '1 d']]) assert.equal(plain(f.age(ms)), expected);
});

test('counts, bytes, rates and shares', () => {
  assert.equal(plain(f.count(1234567)), '1 234 567');
  for (const [bytes, expected] of [[0, '0 B'], [1023, '1023 B'], [1024, '1 KiB'], [268435456, '256 MiB'], [1.5 * 1024 ** 3, '1.5 GiB']]) assert.equal(plain(f.bytes(bytes)), expected);
  for (const [rate, expected] of [[12.34, '12.3/s'], [0.5, '30/min'], [0.001, '3.6/h'], [null, '–']]) assert.equal(f.rate(rate), expected);
  for (const [share, expected] of [[0, '0 %'], [0.0001, '<0.1 %'], [0.034, '3.4 %'], [0.5, '50 %'], [0.999, '99 %'], [1, '100 %']]) assert.equal(plain(f.percent(share)), expected);
});

test('ticks are round, within, and never too many', () => {
  assert.deepEqual(f.ticks(0, 100, 5), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(f.ticks(3, 11, 4), [4, 6, 8, 10]);
  assert.deepEqual(f.ticks(5, 5, 4), []);
  assert.ok(f.ticks(1e18, 1e18 + 256, 10).length <= 31);
});

test('ticks are told apart, also of a short part of a long time', () => {
  const texts = (from, to) => {
    const times = f.ticks(from, to, 6);
    return times.map((time) => plain(f.tick(time, times[1] - times[0])));
  };
  assert.deepEqual(texts(1.2341e9, 1.23422e9), ['1.2341 s', '1.23412 s', '1.23414 s', '1.23416 s', '1.23418 s', '1.2342 s', '1.23422 s']);
  assert.deepEqual(texts(0, 480e6), ['0', '100 ms', '200 ms', '300 ms', '400 ms']);
  assert.deepEqual(texts(0, 90e9), ['0', '20 s', '40 s', '1 min', '1 min 20 s']);
  for (const [from, to] of [[59e9, 62e9], [3600e9, 3630e9], [0, 7200e9], [0, 400_000e9], [-5e6, 5e6], [0, 1], [86_400e9, 86_400.001e9]]) {
    const all = texts(from, to);
    assert.equal(new Set(all).size, all.length, all.join());
  }
});

test('nothing in a text acts', () => {
  assert.equal(f.visible('a\u0000b\nc\u007f'), 'a␀b␊c␡');
  assert.equal(f.visible('\u202egnp.exe\u2066'), '‹U+202E›gnp.exe‹U+2066›');
  assert.equal(f.visible('\u0085\u2028\ufeff\u200b'), '‹U+0085›‹U+2028›‹U+FEFF›‹U+200B›');
  assert.equal(f.visible('شارع 12 👩‍👩‍👧'), 'شارع 12 👩‍👩‍👧');
  assert.equal(f.visibleLines('at a\n\tat b\r'), 'at a\n\tat b␍');
  assert.equal(f.visible(null), '');
});

test('what is cut is not cut within a character of two parts', () => {
  assert.equal(f.short('abc', 3), 'abc');
  assert.equal(f.short('abcd', 3), 'ab…');
  assert.equal(f.short('a😀bc', 3), 'a…');
});
