// A session as it was lived, and who calls whom.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, FLAGS, newSpanId, newTraceId, request, span } from './otlp.mjs';
import { browse, http, order } from './shop.mjs';
import { open, startBrowser, startViewer, until } from './support.mjs';

const browser = await startBrowser();

test('a session shows its requests in order, the pauses between, and errors', async () => {
  const viewer = await startViewer();
  const who = { session: 'session-lived', user: 'user-l' };
  const base = ago(600_000);
  const after = (ms) => base + BigInt(ms) * 1_000_000n;
  const first = browse({ base, type: 'android', who, route: '/home', took: 40 });
  const second = browse({ base: after(12_040), type: 'android', who, route: '/cart', took: 60 });
  const third = order({ base: after(200_000), type: 'android', who, fail: true });
  const stranger = browse({ base: after(1000), type: 'android', who: { session: 'another' } });
  for (const { body } of [third, stranger, first]) await viewer.send(body);
  const page = await open(browser, viewer, '#/session/session-lived');
  const names = () => page.locator('.lived .name').allTextContents();
  await until('the first two', names, (list) => list.length === 2);
  await viewer.send(second.body);
  const url = (path) => `android.request:https://shop.example${path}`;
  await until('in order', names, (list) => JSON.stringify(list) === JSON.stringify([url('/home'), url('/cart'), url('/orders')]));
  const pauses = await page.locator('.pause-text').allTextContents();
  assert.deepEqual(pauses.map((text) => text.replaceAll('\u00a0', ' ')), ['12 s', '3 min 8 s']);
  assert.deepEqual(await page.locator('.lived').evaluateAll((items) => items.map((item) => item.classList.contains('is-bad'))), [false, false, true]);
  assert.deepEqual(await page.locator('.lived .status').allTextContents(), ['200', '200', '502']);
  await page.locator('.lived .row-link').nth(2).click();
  await page.locator(`.fall-row[data-span="${third.ids.shop}"]`).waitFor();
  await page.goBack();
  await page.locator('.timeline').waitFor();

  await page.getByRole('link', { name: 'Sessions' }).click();
  const row = page.locator('table.sessions tbody tr', { hasText: 'session-lived' });
  await row.waitFor();
  assert.match(await row.innerText(), /3\s+1\s/);
  await page.done();
});

test('an unknown session is said', async () => {
  const viewer = await startViewer();
  const page = await open(browser, viewer, '#/session/nobody', { allow: /status of 404/ });
  await page.getByText('This session is not here').waitFor();
  await page.done();
});

const boxes = (page) => page.locator('.topology-figure .node, .topology-figure .edge-label').evaluateAll((groups) => groups.map((group) => {
  const { left, top, right, bottom } = group.querySelector('rect').getBoundingClientRect();
  return { left, top, right, bottom, what: group.textContent };
}));

function assertApart(list) {
  list.forEach((a, index) => list.slice(index + 1).forEach((b) => {
    const apart = a.right <= b.left + 0.6 || b.right <= a.left + 0.6 || a.bottom <= b.top + 0.6 || b.bottom <= a.top + 0.6;
    assert.ok(apart, `${a.what} lies over ${b.what}`);
  }));
}

test('the topology shows who calls whom, live, and nothing overlaps', async () => {
  const viewer = await startViewer();
  await viewer.send(order({ base: ago(60_000) }).body);
  const page = await open(browser, viewer, '#/topology');
  await page.locator('.topology-figure [data-node="service:stock"]').waitFor();
  await viewer.send(order({ base: ago(30_000), type: 'browser', fail: true }).body);
  await viewer.send(browse({ base: ago(20_000), type: 'miniapp' }).body);
  // What calls back, and a service that calls itself.
  const trace = newTraceId();
  const ids = Array.from({ length: 4 }, newSpanId);
  const server = (id, parent, at) => span({ trace, id, parent, name: 'GET /back', kind: 'server', base: ago(10_000), at, took: 50 - at, attrs: http('GET', '/back', 200), flags: FLAGS.remote });
  const client = (id, parent, at) => span({ trace, id, parent, name: 'GET', kind: 'client', base: ago(10_000), at, took: 49 - at, attrs: http('GET', '/back', 200) });
  const more = [newSpanId(), newSpanId(), newSpanId()];
  await viewer.send(request({ shop: [server(ids[0], '', 0), client(ids[1], ids[0], 1), server(more[0], ids[3], 6), client(more[1], more[0], 7), server(more[2], more[1], 8)], stock: [server(ids[2], ids[1], 3), client(ids[3], ids[2], 4)] }));
  await page.locator('.topology-figure .edge[data-from="service:stock"][data-to="service:shop"]').waitFor({ state: 'attached' });
  for (const id of ['app:shopapp@18ff4c0a0d8fd8d', 'app:shopweb@2c6f0b55', 'service:gateway', 'service:payment', 'service:catalog', 'peer:db.internal:5432']) {
    assert.equal(await page.locator(`.topology-figure [data-node="${id}"]`).count(), 1, id);
  }
  assert.match(await page.locator('[data-node="service:shop"]').textContent(), /calls itself/);
  assertApart(await boxes(page));
  const widthOf = () => page.locator('.topology-figure svg').first().getAttribute('width');
  const wide = await widthOf();
  await page.setViewportSize({ width: 390, height: 800 });
  await until('drawn anew', widthOf, (narrow) => narrow !== wide);
  assertApart(await boxes(page));
  await page.setViewportSize({ width: 1280, height: 800 });

  // The share of errors: one of two payments.
  const edge = page.locator('.topology-figure .edge[data-from="service:shop"][data-to="service:payment"]');
  assert.match(await edge.locator('.edge-errors').getAttribute('stroke-dasharray'), /^0\.5/);
  assert.equal(await page.locator('.topology-figure .edge[data-from="service:shop"][data-to="peer:kafka.internal:9092"] .edge-errors').count(), 0);

  // The same in the table.
  const line = page.locator('.facts-table tbody tr', { has: page.locator('td:nth-child(1)', { hasText: 'shop' }) }).filter({ has: page.locator('td:nth-child(2)', { hasText: 'payment' }) });
  assert.match((await line.innerText()).replaceAll(/[\u00a0\u202f]/g, ' '), /2\s.*1 \(50 %\)/s);

  await page.locator('.topology-figure [data-node="service:catalog"]').click();
  await page.locator('table.traces tbody tr').waitFor();
  assert.equal(await page.evaluate(() => location.hash), '#/traces?service=catalog');
  assert.equal(await page.locator('table.traces tbody tr').count(), 1);
  await page.done();
});

test('the status tells what is held, evicted and refused', async () => {
  const viewer = await startViewer({ more: ['--max-traces', '3'] });
  const page = await open(browser, viewer, '#/status');
  for (let n = 0; n < 5; n += 1) await viewer.send(browse({ base: ago(5000) }).body);
  await page.getByText('3 of 3').waitFor();
  await fetch(`${viewer.http}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: 'no JSON' });
  await viewer.send(browse({ base: ago(1000) }).body);
  await page.getByText('malformed').waitFor();
  const text = (await page.locator('.page-status').innerText()).replaceAll('\n', ' ');
  assert.match(text, /Evicted traces\s+3/);
  await page.done();
});
