import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const q = await load('query.js');
const read = (text) => {
  const { filters, text: rest, errors } = q.parse(text);
  return [Object.fromEntries(filters), rest, errors.length];
};

test('fields are read out of what is typed', () => {
  for (const [text, filters, rest] of [
    ['', {}, ''],
    ['two words', {}, 'two words'],
    ['service:shop status:5xx', { service: 'shop', status: '5xx' }, ''],
    ['SERVICE:Shop hello', { service: 'Shop' }, 'hello'],
    ['service:"my shop" "exact words"', { service: 'my shop' }, 'exact words'],
    ['https://shop.example/orders', {}, 'https://shop.example/orders'],
    ['user: x', {}, 'user: x'],
    ['nokey:value', {}, 'nokey:value'],
    ['trace:ABCD', { trace_id: 'abcd' }, ''],
    ['type:ios app:a@1 session:s user:u path:/a', { app_type: 'ios', app: 'a@1', session: 's', user: 'u', route: '/a' }, ''],
    ['duration:>250ms', { min_ms: '250' }, ''],
    ['duration:<=1.5s', { max_ms: '1500' }, ''],
    ['duration:100us..2s', { min_ms: '0.1', max_ms: '2000' }, ''],
    ['min:2s max:3000', { min_ms: '2000', max_ms: '3000' }, ''],
    ['is:error is:missing', { status: 'error', missing: 'true' }, ''],
    ['__proto__:x constructor:y', {}, '__proto__:x constructor:y'],
  ]) assert.deepEqual(read(text), [filters, rest, 0], text);
});

test('what is wrong is told and not asked for', () => {
  for (const text of ['status:abc', 'trace:xyz', 'trace:ab', 'duration:fast', 'duration:1s..x', 'is:what', 'min:x', 'missing:perhaps']) {
    const [filters, , errors] = read(text);
    assert.deepEqual([filters, errors], [{}, 1], text);
  }
});

test('what is too long for the API is said; of an address it stays, for the API to say so', () => {
  assert.equal(q.checked('user', 'x'.repeat(1024)).value.length, 1024);
  // Three bytes each.
  assert.match(q.checked('user', '中'.repeat(400)).error, /1024 bytes/);
  assert.equal(q.fromAddress(`user=${'x'.repeat(1100)}`).get('user').length, 1100);
});

test('an address gives back what it was made of', () => {
  const filters = new Map([['q', 'a b&c=d#é'], ['status', 'error'], ['app', 'shop@1'], ['missing', 'true']]);
  const address = q.toAddress(filters);
  assert.deepEqual(Object.fromEntries(q.fromAddress(address)), Object.fromEntries(filters));
  assert.match(address, /^app=.*&status=.*&missing=.*&q=/);
});

test('an address that somebody made up does no harm', () => {
  for (const [address, expected] of [
    ['__proto__=x&constructor=y&unknown=z', {}],
    ['status=99&trace_id=zz&min_ms=-1', {}],
    ['app=&user=%20', {}],
    ['app=one&app=two', { app: 'one' }],
    [`app=${'x'.repeat(600)}`, { app: 'x'.repeat(600) }],
    ['min_ms=500&max_ms=20', { min_ms: '500' }],
  ]) assert.deepEqual(Object.fromEntries(q.fromAddress(address)), expected, address);
});
