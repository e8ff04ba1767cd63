// The list: as it arrives, and how it is searched.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago } from './otlp.mjs';
import { browse, order } from './shop.mjs';
import { open, rowIds, startBrowser, startViewer, traceRow, until } from './support.mjs';

const browser = await startBrowser();

test('an empty store tells how to send the first span, and the list fills by itself', async () => {
  const viewer = await startViewer();
  const page = await open(browser, viewer);
  await page.getByText('Waiting for the first span').waitFor();
  const lines = await page.locator('.line-to-copy code').allTextContents();
  assert.ok(lines.includes(`OTEL_EXPORTER_OTLP_ENDPOINT=${viewer.http}`), lines.join());
  assert.ok(lines.includes('rum-trace demo'));
  const first = order({ base: ago(2000) });
  await viewer.send(first.body);
  const row = traceRow(page, first.trace);
  await row.waitFor();
  await page.getByText('Waiting for the first span').waitFor({ state: 'detached' });
  assert.equal(await row.locator('.row-link .name').textContent(), 'android.request:https://shop.example/orders');
  assert.equal(await row.locator('.status').textContent(), '201');
  assert.equal(await row.locator('.dots .dot').count(), 4);
  const second = browse({ base: ago(0) });
  await viewer.send(second.body);
  await traceRow(page, second.trace).waitFor();
  assert.deepEqual(await rowIds(page), [second.trace, first.trace], 'the newest is on top');
  await page.done();
});

test('a trace that grows is drawn anew in its place', async () => {
  const viewer = await startViewer();
  const page = await open(browser, viewer);
  const { trace, body } = order({ base: ago(1000) });
  const part = (from, to) => ({ resourceSpans: body.resourceSpans.slice(from, to) });
  await viewer.send(part(0, 1));
  await traceRow(page, trace).waitFor();
  const spans = () => traceRow(page, trace).locator('.col-spans .number').textContent();
  assert.equal(await spans(), '2');
  await viewer.send(part(1, 4));
  await until('all spans', spans, (text) => text === '12');
  assert.deepEqual(await rowIds(page), [trace]);
  await page.done();
});

test('while the reader is below, or the list is paused, new traces wait', async () => {
  const viewer = await startViewer();
  for (let n = 30; n > 0; n -= 1) await viewer.send(browse({ base: ago(n * 1000) }).body);
  const page = await open(browser, viewer);
  await until('all rows', () => rowIds(page), (ids) => ids.length === 30);
  const before = await rowIds(page);
  await page.evaluate(() => scrollTo(0, 400));
  const below = browse({ base: ago(0) });
  await viewer.send(below.body);
  const pill = page.locator('.fresh-pill');
  await pill.waitFor();
  assert.equal(await pill.textContent(), '1 new');
  assert.deepEqual(await rowIds(page), before);
  assert.equal(await page.evaluate(() => scrollY), 400, 'the page has jumped');
  // By the mouse: playwright's own click would scroll to where it would stand without being sticky.
  const { x, y, width, height } = await pill.boundingBox();
  await page.mouse.click(x + width / 2, y + height / 2);
  await traceRow(page, below.trace).waitFor();
  assert.equal((await rowIds(page))[0], below.trace);

  await page.getByRole('button', { name: 'Pause' }).click();
  for (let n = 0; n < 3; n += 1) await viewer.send(browse({ base: ago(0) }).body);
  await until('three wait', () => pill.textContent(), (text) => text === '3 new');
  assert.equal((await rowIds(page)).length, 31);
  await page.getByRole('button', { name: 'Paused' }).click();
  await until('they are shown', () => rowIds(page), (ids) => ids.length === 34);
  await page.done();
});

test('older traces are loaded on demand', async () => {
  const viewer = await startViewer();
  for (let n = 130; n > 0; n -= 1) await viewer.send(browse({ base: ago(n * 100) }).body);
  const page = await open(browser, viewer);
  await until('a page of them', () => rowIds(page), (ids) => ids.length === 100);
  await page.getByRole('button', { name: 'Older traces' }).click();
  const ids = await until('all of them', () => rowIds(page), (all) => all.length === 130);
  assert.equal(new Set(ids).size, 130);
  await page.done();
});

test('traces are found by each field', async () => {
  const viewer = await startViewer();
  const slow = order({ base: ago(5000), type: 'android', scale: 3, who: { session: 'session-a', user: 'user-a' } });
  const failed = order({ base: ago(4000), type: 'browser', fail: true, who: { session: 'session-b', user: 'user-b' } });
  const quick = browse({ base: ago(3000), type: 'ios', who: { session: 'session-c', user: 'user-c' }, route: '/products/{id}' });
  const lost = order({ base: ago(2000), type: 'miniapp', lose: true, who: { session: 'session-d', user: 'user-d' } });
  for (const { body } of [slow, failed, quick, lost]) await viewer.send(body);
  const page = await open(browser, viewer);
  await until('all', () => rowIds(page), (ids) => ids.length === 4);
  const shows = async (what, expected) => {
    const wanted = expected.map(({ trace }) => trace).sort();
    await until(what, async () => (await rowIds(page)).sort(), (ids) => JSON.stringify(ids) === JSON.stringify(wanted));
  };
  const search = page.locator('#search');
  for (const [text, expected] of [
    ['app:shopapp@18ff4c0a0d8fd8d', [slow]],
    ['type:browser', [failed]],
    ['session:session-c', [quick]],
    ['user:user-d', [lost]],
    [`trace:${failed.trace.slice(0, 12)}`, [failed]],
    ['route:/products', [quick]],
    ['service:catalog', [quick]],
    ['status:502', [failed]],
    ['status:5xx', [failed]],
    ['is:error', [failed]],
    ['duration:>1s', [slow]],
    ['duration:<100ms', [quick]],
    ['duration:100ms..1s', [failed, lost]],
    ['service:shop type:miniapp', [lost]],
    ['user-b', [failed]],
    ['SESSION-A', [slow]],
  ]) {
    await search.fill(text);
    await search.press('Enter');
    await shows(text, expected);
    await page.keyboard.press('Escape');
    await page.evaluate(() => (location.hash = '#/traces'));
    await shows('all again', [slow, failed, quick, lost]);
  }

  await search.fill('status:nonsense');
  await search.press('Enter');
  await page.getByText('A status is 500, 5xx or error.').waitFor();
  await page.done();
});

test('each field of the form filters; the address holds it, and the back button goes back', async () => {
  const viewer = await startViewer();
  const one = order({ base: ago(5000), type: 'android', who: { session: 'session-a', user: 'user-a' } });
  const other = browse({ base: ago(3000), type: 'ios', who: { session: 'session-c', user: 'user-c' } });
  for (const { body } of [one, other]) await viewer.send(body);
  const page = await open(browser, viewer);
  const only = (what, wanted) => until(what, () => rowIds(page), (ids) => ids.length === 1 && ids[0] === wanted.trace);
  const both = () => until('both', () => rowIds(page), (ids) => ids.length === 2);
  await both();
  await page.getByRole('button', { name: 'All filters' }).click();
  for (const [label, value, key] of [
    ['App id', 'shopapp@18ff4c0a0d8fd8d', 'app'],
    ['App type', 'android', 'app_type'],
    ['Session', 'session-a', 'session'],
    ['User', 'user-a', 'user'],
    ['Trace id', one.trace, 'trace_id'],
    ['Route or path', '/orders', 'route'],
    ['Service', 'stock', 'service'],
    ['Status', '201', 'status'],
    ['At least, ms', '300', 'min_ms'],
  ]) {
    const field = page.getByLabel(label, { exact: true });
    await field.fill(value);
    await field.press('Enter');
    await only(label, one);
    assert.ok((await page.evaluate(() => location.hash)).includes(`${key}=${encodeURIComponent(value)}`), label);
    await page.goBack();
    await both();
    assert.equal(await field.inputValue(), '', `${label} after going back`);
  }
  await page.getByLabel('At most, ms', { exact: true }).fill('300');
  await page.keyboard.press('Enter');
  await only('At most', other);
  await page.reload();
  await only('after a reload', other);
  await page.locator('.chip').click();
  await both();

  await traceRow(page, other.trace).locator('[data-filter="session"]').click();
  await only('by its session', other);
  assert.match(await page.evaluate(() => location.hash), /session=session-c/);
  await page.getByText('Show as a session').click();
  await page.locator('.timeline').waitFor();
  await page.done();
});

test('findings can be filtered by, also of traces that are still arriving', async () => {
  const viewer = await startViewer();
  const fine = browse({ base: ago(5000) });
  const lost = order({ base: ago(4000), lose: true });
  await viewer.send(fine.body);
  const page = await open(browser, viewer, '#/traces?missing=true');
  await page.getByRole('heading', { name: 'No trace matches' }).waitFor();
  await page.locator('#say').getByText('No trace matches').waitFor({ state: 'attached' });
  await viewer.send(lost.body);
  await traceRow(page, lost.trace).locator('.tag.warn').waitFor();
  assert.deepEqual(await rowIds(page), [lost.trace]);
  await page.done();
});
