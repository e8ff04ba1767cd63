// The list where it is hard: many at once, a tab that nobody looks at, a press that an event
// falls into.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, request, span } from './otlp.mjs';
import { browse, order } from './shop.mjs';
import { open, rowIds, startBrowser, startViewer, traceRow, until } from './support.mjs';

const browser = await startBrowser();

/** So many traces, of which the last is the newest; several in a request. */
async function sendMany(viewer, number) {
  const all = Array.from({ length: number }, (_, index) => browse({ base: ago((number - index) * 10) }));
  for (let at = 0; at < number; at += 25) {
    await viewer.send({ resourceSpans: all.slice(at, at + 25).flatMap(({ body }) => body.resourceSpans) });
  }
  return all.map(({ trace }) => trace).reverse();
}

/** As a browser tells that the tab is not looked at. */
function look(page, on) {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, !on);
}

const live = (page) => page.locator('#live.is-live').waitFor();

test('what came while nobody looked has no hole', async () => {
  const viewer = await startViewer();
  const first = await sendMany(viewer, 30);
  const page = await open(browser, viewer);
  await until('the first', () => rowIds(page), (ids) => ids.length === 30);
  await live(page);
  await look(page, false);
  const later = await sendMany(viewer, 250);
  await look(page, true);
  await until('the newest is on top', () => rowIds(page), (ids) => ids[0] === later[0]);
  const all = [...later, ...first];
  const older = page.getByRole('button', { name: 'Older traces' });
  for (let size = 0; size < 280; ) {
    const ids = await until('more rows', () => rowIds(page), (now) => now.length > size);
    assert.deepEqual(ids, all.slice(0, ids.length));
    size = ids.length;
    if (size < 280) await older.click();
  }
  assert.ok(await older.isHidden());
  await page.done();
});

test('of a process that is gone no row stays', async () => {
  const gone = await startViewer();
  await sendMany(gone, 30);
  const page = await open(browser, gone, '', { allow: /Failed to load resource: net::ERR_|net::ERR_(CONNECTION|INCOMPLETE|EMPTY)/ });
  await until('the old ones', () => rowIds(page), (ids) => ids.length === 30);
  await gone.stop();
  await page.locator('#banner').getByText('is lost').waitFor();
  // All of them are there before the page asks.
  await page.route('**/api/v1/**', (route) => route.abort());
  const viewer = await startViewer({ listen: new URL(gone.address).host });
  const all = await sendMany(viewer, 150);
  await page.unroute('**/api/v1/**');
  await until('the new ones only', () => rowIds(page), (ids) => ids[0] === all[0] && ids.length === 100);
  assert.deepEqual(await rowIds(page), all.slice(0, 100));
  await page.done();
});

test('the order is that of arrival, whatever starts when', async () => {
  const viewer = await startViewer();
  const all = await sendMany(viewer, 120);
  const page = await open(browser, viewer);
  await until('a page of them', () => rowIds(page), (ids) => ids.length === 100);
  await live(page);
  const earlier = browse({ base: ago(60_000) });
  await viewer.send(earlier.body);
  await traceRow(page, earlier.trace).waitFor();
  assert.deepEqual(await rowIds(page), [earlier.trace, ...all.slice(0, 100)]);
  await page.done();
});

test('what changed during a pause is shown after it, and a filter is answered during it', async () => {
  const viewer = await startViewer();
  const { trace, body } = order({ base: ago(5000) });
  const part = (from, to) => ({ resourceSpans: body.resourceSpans.slice(from, to) });
  await viewer.send(part(0, 1));
  const page = await open(browser, viewer);
  const other = await open(browser, viewer);
  const spans = (from) => traceRow(from, trace).locator('.col-spans .number').textContent();
  for (const each of [page, other]) await until('two spans', () => spans(each), (text) => text === '2');
  await page.getByRole('button', { name: 'Pause' }).click();
  await viewer.send(part(1, 4));
  await until('all spans', () => spans(other), (text) => text === '12');
  await page.locator('#search').fill('service:gateway');
  await page.keyboard.press('Enter');
  await until('found', () => spans(page), (text) => text === '12');
  await page.goBack();
  await until('found again', () => spans(page), (text) => text === '12');
  await viewer.send(request({ shop: [span({ trace, name: 'one more', base: ago(4000) })] }));
  await until('one more', () => spans(other), (text) => text === '13');
  assert.equal(await spans(page), '12', 'paused');
  await page.getByRole('button', { name: 'Paused' }).click();
  await until('one more, after the pause', () => spans(page), (text) => text === '13');
  await page.done();
  await other.done();
});

test('a press gets its click, though the row grows and others come meanwhile', async () => {
  const viewer = await startViewer();
  const { trace, body } = order({ base: ago(5000) });
  const part = (from, to) => ({ resourceSpans: body.resourceSpans.slice(from, to) });
  await viewer.send(part(0, 1));
  const page = await open(browser, viewer);
  const other = await open(browser, viewer);
  const link = traceRow(page, trace).locator('.row-link');
  await link.waitFor();
  await live(page);
  await live(other);
  const { x, y, height } = await link.boundingBox();
  await page.mouse.move(x + 30, y + height / 2);
  await page.mouse.down();
  await viewer.send(part(1, 4));
  const next = browse({ base: ago(0) });
  await viewer.send(next.body);
  await traceRow(other, next.trace).waitFor();
  // The row has grown under the finger, and none has moved it.
  await until('grown', () => traceRow(page, trace).locator('.col-spans .number').textContent(), (text) => ['2', '12'].includes(text));
  await page.mouse.up();
  await page.locator('.fall-row').first().waitFor();
  assert.ok((await page.evaluate(() => location.hash)).startsWith(`#/trace/${trace}`));
  await page.done();
  await other.done();
});

test('a word that was typed last does not lead back to a page that was left', async () => {
  const viewer = await startViewer();
  await viewer.send(browse({ base: ago(1000) }).body);
  const page = await open(browser, viewer);
  await page.locator('#search').fill('shop');
  await page.evaluate(() => (location.hash = '#/status'));
  await page.locator('.card').first().waitFor();
  // The timer of the field has run out after this one.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 600)));
  assert.equal(await page.evaluate(() => location.hash), '#/status');
  await page.done();
});

test('the row that was opened has the focus on the way back', async () => {
  const viewer = await startViewer();
  const [one, two] = [browse({ base: ago(3000) }), browse({ base: ago(1000) })];
  for (const { body } of [one, two]) await viewer.send(body);
  const page = await open(browser, viewer);
  await traceRow(page, two.trace).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.locator('.fall-row').first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  assert.equal(await page.locator('#say').textContent(), 'Trace', 'and the page is said');
  await page.goBack();
  await traceRow(page, one.trace).waitFor();
  await until('the focus', () => page.evaluate(() => document.activeElement.closest('tr')?.dataset.id ?? null), (id) => id === one.trace);
  await page.done();
});

test('what the API cannot search for is said, and not left out', async () => {
  const viewer = await startViewer();
  await viewer.send(browse({ base: ago(1000) }).body);
  const page = await open(browser, viewer, `#/traces?app=${'x'.repeat(2000)}`, { allow: /status of 400/ });
  await page.getByText('at most 1024 bytes long').waitFor();
  assert.deepEqual(await rowIds(page), []);
  await page.done();
});
