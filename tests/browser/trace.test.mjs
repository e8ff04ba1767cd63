// One trace: the waterfall, the details, what is said of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, FLAGS, newSpanId, newTraceId, request, span } from './otlp.mjs';
import { browse, http, order, phone } from './shop.mjs';
import { open, spanRow, startBrowser, startViewer, until } from './support.mjs';

const browser = await startBrowser();
const viewer = await startViewer();

const geometry = (row) => row.evaluate((element) => {
  const area = element.querySelector('.row-time').getBoundingClientRect();
  const bar = element.querySelector('.bar').getBoundingClientRect();
  return { width: area.width, left: bar.left - area.left, bar: bar.width };
});

function near(found, expected, what) {
  assert.ok(Math.abs(found - expected) <= 1.5, `${what}: ${found} and not ${expected}`);
}

test('bars stand where their times are', async () => {
  const { trace, ids, body } = order({ base: ago(5000) });
  await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}`);
  await spanRow(page, ids.sql).waitFor();
  assert.equal(await page.locator('.fall-row:not([hidden])').count(), 13);
  // By the times that were sent: start and duration, in milliseconds of 480.
  for (const [id, at, took] of [['edge', 0, 480], ['shop', 10, 460], ['cart', 14, 52], ['stock', 76, 106], ['sql', 90, 84], ['bank', 304, 122], ['publish', 446, 9]]) {
    const { width, left, bar } = await geometry(spanRow(page, ids[id]));
    near(left, (at / 480) * width, `${id} begins`);
    near(bar, Math.max((took / 480) * width, 2), `${id} takes`);
  }
  const levels = await page.locator('.fall-row:not([hidden])').evaluateAll((rows) => rows.map((row) => [row.dataset.span, Number(row.getAttribute('aria-level'))]));
  const depth = new Map(levels);
  assert.deepEqual([ids.phone, ids.edge, ids.edgeCall, ids.shop, ids.stockCall, ids.stock, ids.sql].map((id) => depth.get(id)), [1, 2, 3, 4, 5, 6, 7]);
  await page.done();
});

test('the tap is on top and drawn as inferred; errors and gaps are marked', async () => {
  const { trace, ids, body } = order({ base: ago(5000), type: 'ios', fail: true });
  await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}`);
  const tap = page.locator('.fall-row[aria-rowindex="1"]');
  await tap.waitFor();
  assert.equal(await tap.getAttribute('data-span'), ids.phone);
  assert.equal(await tap.locator('.row-name').textContent(), 'ios.request:https://shop.example/orders');
  assert.match(await tap.locator('.row-note').textContent(), /inferred/);
  assert.equal(await tap.locator('.bar').evaluate((bar) => getComputedStyle(bar).borderTopStyle), 'dashed');
  assert.equal(await spanRow(page, ids.edge).locator('.bar').evaluate((bar) => getComputedStyle(bar).borderTopStyle), 'none');

  assert.match(await spanRow(page, ids.pay).getAttribute('class'), /is-error/);
  assert.equal(await spanRow(page, ids.pay).locator('.mark-error').textContent(), 'error');
  assert.equal(await spanRow(page, ids.shop).locator('.mark-error').textContent(), '502');
  assert.equal(await spanRow(page, ids.cart).locator('.mark').count(), 0);

  // The shop does nothing that is seen from 188 ms (the stock has answered) to 290 ms.
  const gap = spanRow(page, ids.shop).locator('.gap');
  assert.equal(await gap.count(), 1);
  const { left, width, area } = await gap.evaluate((element) => {
    const around = element.closest('.row-time').getBoundingClientRect();
    const box = element.getBoundingClientRect();
    return { left: box.left - around.left, width: box.width, area: around.width };
  });
  near(left, (188 / 480) * area, 'the gap begins');
  near(width, (102 / 480) * area, 'the gap takes');
  assert.match(await gap.evaluate((element) => getComputedStyle(element).backgroundImage), /repeating-linear-gradient/);
  await page.done();
});

test('details tell all of a span', async () => {
  const known = browse({ base: ago(9000) });
  await viewer.send(known.body);
  const { trace, ids, body } = order({ base: ago(5000) });
  const [shop] = body.resourceSpans.filter(({ resource }) => resource.attributes[0].value.stringValue === 'shop');
  const cart = shop.scopeSpans[0].spans.find(({ spanId }) => spanId === ids.cart);
  cart.links = [
    { traceId: known.trace, spanId: known.ids.edge, attributes: [] },
    { traceId: newTraceId(), spanId: newSpanId(), attributes: [] },
  ];
  cart.droppedAttributesCount = 3;
  cart.traceState = 'rum=v2&android&shop@1&s&u,vendor=a:b';
  await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}`);
  await spanRow(page, ids.cart).click();
  const details = page.locator('.details');
  await details.locator('[data-part="attributes"]').waitFor();
  assert.ok((await page.evaluate(() => location.hash)).endsWith(`?span=${ids.cart}`));
  const text = (await details.innerText()).replaceAll('\u00a0', ' ');
  for (const part of ['cart.items', '129.9', '[WELCOME10, FREESHIP]', 'coupon applied', 'coupon.code', 'service.version', '1.4.2', 'rum-trace 0.1.0', 'sampled', '3 attributes', 'not here']) {
    assert.ok(text.includes(part), `no ${part} in ${text}`);
  }
  const members = await details.locator('[data-part="trace state"] tr').evaluateAll((rows) => rows.map((row) => [row.cells[0].innerText, row.cells[1].innerText]));
  assert.deepEqual(members, [['rum', 'v2&android&shop@1&s&u'], ['vendor', 'a:b']]);
  assert.equal(await page.locator('.event-mark').count(), 2, 'events are on the axis');
  const [axis, mark] = await page.evaluate(() => ['.axis', '.event-mark'].map((name) => document.querySelector(name).getBoundingClientRect()).map(({ left, width }) => ({ left, width })));
  near(mark.left + mark.width / 2 - axis.left, (32 / 480) * axis.width, 'the event');

  // The address of a span leads to it.
  await page.reload();
  await details.getByText('coupon applied').waitFor();
  await details.getByRole('link').first().click();
  await page.locator(`.fall-row[data-span="${known.ids.edge}"].is-selected`).waitFor();
  await page.done();
});

test('attributes can be filtered, and the raw sw8 ids are there', async () => {
  const [trace, parent, id] = [newTraceId(), newSpanId(), newSpanId()];
  const attrs = { 'sw8.trace_id': '7f2c.41.17000', 'sw8.parent_segment_id': 'ab12.7.3', 'sw8.parent_span_id': '2', 'sw8.peer': '0.0.0.0', ...http('GET', '/a', 200) };
  await viewer.send(request({ shop: [span({ trace, id, parent, name: 'GET /a', kind: 'server', base: ago(3000), attrs, flags: FLAGS.remote })] }));
  const page = await open(browser, viewer, `#/trace/${trace}?span=${id}`);
  const sw8 = page.locator('[data-part="raw sw8 ids"]');
  await sw8.waitFor();
  assert.match(await sw8.innerText(), /7f2c\.41\.17000/);
  const rows = page.locator('[data-part="attributes"] tr:visible');
  const all = await rows.count();
  await page.getByLabel('Filter the attributes').fill('URL.PATH');
  assert.equal(await rows.count(), 1);
  await page.getByLabel('Filter the attributes').fill('');
  assert.equal(await rows.count(), all);
  await page.done();
});

test('a parent that never came is said in words, and the text leads to the span', async () => {
  const [trace, missing, id] = [newTraceId(), newSpanId(), newSpanId()];
  const page = await open(browser, viewer);
  await viewer.send(request({ stock: [span({ trace, id, parent: missing, name: 'GET /left-alone', kind: 'server', base: ago(3000), took: 20, attrs: http('GET', '/left-alone', 200), flags: FLAGS.remote })] }));
  await page.locator(`tr[data-id="${trace}"] .tag.warn`).waitFor();
  await page.locator(`tr[data-id="${trace}"] .row-link`).click();
  const finding = page.locator('.finding[data-kind="missing_parent"]');
  await finding.waitFor();
  assert.match(await finding.innerText(), new RegExp(`GET /left-alone[^]*never came[^]*${missing}`));
  await finding.getByRole('button', { name: 'Show the span' }).click();
  await page.locator(`.fall-row[data-span="${id}"].is-selected`).waitFor();
  await page.locator('.fall-row .mark[data-mark="missing_parent"]').waitFor();
  await page.locator('.details-findings').getByText('never came').waitFor();
  await page.done();
});

test('of very many findings it is said how many are not shown; a trace of another day has its date', async () => {
  const trace = newTraceId();
  const base = ago(50 * 3_600_000);
  const alone = Array.from({ length: 210 }, (_, index) => span({ trace, parent: newSpanId(), name: `GET /${index}`, base }));
  await viewer.send(request({ stock: alone }));
  const page = await open(browser, viewer, `#/trace/${trace}`);
  await page.getByText('10\u00a0findings more not shown').waitFor();
  await page.getByRole('heading', { name: '210 findings' }).waitFor();
  const { text, title } = await page.locator('.facts time').evaluate((time) => ({ text: time.textContent, title: time.title }));
  const day = await page.evaluate((ms) => [new Date(ms).getFullYear(), new Date(ms).getMonth() + 1, new Date(ms).getDate()].map((part) => String(part).padStart(2, '0')).join('-'), Number(base / 1_000_000n));
  assert.ok(text.startsWith(`${day} `), text);
  assert.match(title, /^\S+ \S+ [+−]\d\d:\d\d$/);
  await page.done();
});

test('a hop that lost the tracestate is said in words, and shown in the diagram', async () => {
  const { trace, ids, body } = order({ base: ago(5000), lose: true });
  await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}`);
  const finding = page.locator('.finding[data-kind="lost_tracestate"]');
  await finding.waitFor();
  assert.match(await finding.innerText(), /shop[^]*stock[^]*tracestate was lost/);
  assert.equal(await spanRow(page, ids.stock).locator('.mark[data-mark="lost_tracestate"]').count(), 1);
  await finding.getByRole('button', { name: /Hop/ }).click();
  const marked = page.locator('.edge.is-marked');
  await marked.waitFor();
  assert.deepEqual(await marked.evaluateAll((edges) => edges.map(({ dataset }) => [dataset.from, dataset.to])), [['service:shop', 'service:stock']]);
  await page.done();
});

test('subtrees collapse, a search steps through, a range zooms', async () => {
  const { trace, ids, body } = order({ base: ago(5000) });
  await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}`);
  const rows = page.locator('.fall-row:not([hidden])');
  await spanRow(page, ids.stockCall).locator('.twist').click();
  await until('three are hidden', () => rows.count(), (count) => count === 10);
  assert.equal(await spanRow(page, ids.stockCall).getAttribute('aria-expanded'), 'false');

  await page.getByLabel('Find in this trace').fill('UPDATE');
  await page.getByText('1 match').waitFor();
  // A match opens what hides it.
  await page.locator(`.fall-row[data-span="${ids.sql}"].is-match`).waitFor();
  assert.equal(await rows.count(), 13);
  await page.getByLabel('Find in this trace').fill('');

  const axis = await page.locator('.axis').boundingBox();
  await page.mouse.move(axis.x + axis.width * 0.25, axis.y + 10);
  await page.mouse.down();
  await page.mouse.move(axis.x + axis.width * 0.5, axis.y + 10, { steps: 4 });
  await page.mouse.up();
  await page.getByRole('button', { name: 'Whole trace' }).waitFor();
  // From 120 to 240 ms: the SQL, from 90 to 174 ms, ends at 45 % of it.
  await until('the zoomed bar', () => geometry(spanRow(page, ids.sql)), ({ width, left, bar }) => left === 0 && Math.abs(bar - width * 0.45) < 4);
  assert.match(await spanRow(page, ids.cart).locator('.bar-text').textContent(), /^‹/);
  await page.getByRole('button', { name: 'Whole trace' }).click();
  await until('the whole', () => geometry(spanRow(page, ids.edge)), ({ width, bar }) => Math.abs(bar - width) < 1.5);
  await page.done();
});

test('spans that arrive while one looks are drawn, and what is chosen stays', async () => {
  const { trace, ids, body } = order({ base: ago(5000) });
  const part = (from, to) => ({ resourceSpans: body.resourceSpans.slice(from, to) });
  await viewer.send(part(0, 2));
  const page = await open(browser, viewer, `#/trace/${trace}?span=${ids.cart}`);
  await page.locator(`.fall-row[data-span="${ids.cart}"].is-selected`).waitFor();
  assert.equal(await spanRow(page, ids.sql).count(), 0);
  const details = page.locator('.details');
  await details.getByText('coupon applied').waitFor();
  await details.locator('[data-part="resource"] summary').click();
  await viewer.send(part(2, 4));
  await spanRow(page, ids.sql).waitFor();
  await page.locator(`.fall-row[data-span="${ids.cart}"].is-selected`).waitFor();
  assert.ok(await details.getByText('coupon applied').isVisible());
  assert.equal(await details.locator('[data-part="resource"]').evaluate((part) => part.open), false, 'what was folded is open again');
  await page.done();
});

test('a trace that is not here, or goes while one looks, is said', async () => {
  const small = await startViewer({ more: ['--max-traces', '2'] });
  // What the browser itself logs of a 404.
  const allow = /Failed to load resource: the server responded with a status of 404/;
  const unknown = await open(browser, small, `#/trace/${newTraceId()}`, { allow });
  await unknown.getByText('This trace is not here').waitFor();
  await unknown.done();
  const first = order({ base: ago(9000) });
  await small.send(first.body);
  const page = await open(browser, small, `#/trace/${first.trace}`, { allow });
  await spanRow(page, first.ids.shop).waitFor();
  for (let n = 0; n < 3; n += 1) await small.send(browse({ base: ago(1000) }).body);
  await page.getByText('This trace is no longer in the store').waitFor();
  assert.ok(await spanRow(page, first.ids.shop).isVisible(), 'what was there stays');
  await page.done();
});

test('spans of one phone that ask twice hang under one tap', async () => {
  const [trace, tap] = [newTraceId(), newSpanId()];
  const { attrs, traceState } = phone('android');
  const ids = [newSpanId(), newSpanId()];
  const base = ago(4000);
  await viewer.send(request({ shop: ids.map((id, index) => span({ trace, id, parent: tap, name: 'GET /twice', kind: 'server', base, at: index * 60, took: 40, attrs: { ...attrs, ...http('GET', '/twice', 200) }, traceState, flags: FLAGS.remote })) }));
  const page = await open(browser, viewer, `#/trace/${trace}`);
  await spanRow(page, tap).waitFor();
  const second = await geometry(spanRow(page, ids[1]));
  near(second.left, second.width * 0.6, 'the second begins');
  assert.equal(await page.locator('.fall-row:not([hidden])').count(), 3);
  await page.done();
});

test('two halves of a call with one id are two rows, each with its details', async () => {
  const [trace, root, id] = [newTraceId(), newSpanId(), newSpanId()];
  const base = ago(4000);
  const half = (name, kind, at, took) => span({ trace, id, parent: root, name, kind, base, at, took, flags: FLAGS.remote });
  await viewer.send(request({ shop: [span({ trace, id: root, name: 'GET /', kind: 'server', base, took: 50 }), half('the asking half', 'client', 5, 40)], stock: [half('the answering half', 'server', 10, 30)] }));
  const page = await open(browser, viewer, `#/trace/${trace}`);
  const rows = spanRow(page, id);
  await until('both', () => rows.count(), (count) => count === 2);
  for (const name of ['the asking half', 'the answering half', 'the asking half']) {
    await rows.filter({ hasText: name }).click();
    await page.locator('.details h2', { hasText: name }).waitFor();
    assert.equal(await page.locator('.fall-row.is-selected').count(), 1);
  }
  await rows.filter({ hasText: 'the answering half' }).click();
  await page.reload();
  await page.locator('.details h2', { hasText: 'the answering half' }).waitFor();
  await page.done();
});
