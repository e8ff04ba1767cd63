// All of it without a mouse.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago } from './otlp.mjs';
import { browse, order } from './shop.mjs';
import { open, rowIds, spanRow, startBrowser, startViewer, traceRow, until } from './support.mjs';

const browser = await startBrowser();
const viewer = await startViewer();
const older = order({ base: ago(9000), who: { session: 'session-k', user: 'user-k' }, fail: true });
const newer = browse({ base: ago(4000) });
await viewer.send(older.body);
await viewer.send(newer.body);

const focused = (page, what) => page.evaluate((selector) => document.activeElement?.matches(selector), what);

test('a walk with keys only', async () => {
  const page = await open(browser, viewer);
  const { keyboard } = page;
  await until('both', () => rowIds(page), (ids) => ids.length === 2);

  // Help, and out of it.
  await keyboard.press('?');
  await page.getByRole('dialog').getByText('Collapse').waitFor({ state: 'detached' });
  await page.getByRole('dialog').waitFor();
  await keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  // Search, with the focus where one sees it.
  await keyboard.press('/');
  assert.ok(await focused(page, '#search'));
  await keyboard.type('service:shop');
  await keyboard.press('Enter');
  await until('found', () => rowIds(page), (ids) => ids.length === 1);
  await keyboard.press('Escape');
  await page.goBack();
  await until('both again', () => rowIds(page), (ids) => ids.length === 2);

  // Down to the second row, and open it.
  await page.evaluate(() => document.activeElement?.blur());
  await keyboard.press('j');
  assert.ok(await traceRow(page, newer.trace).evaluate((row) => row.contains(document.activeElement)));
  await keyboard.press('ArrowDown');
  assert.ok(await traceRow(page, older.trace).evaluate((row) => row.contains(document.activeElement)));
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, 'solid', 'the focus is not seen');
  await keyboard.press('Enter');
  await spanRow(page, older.ids.shop).waitFor();

  // In the waterfall: down, collapse, expand, details, zoom, errors.
  const active = () => page.locator('.fall-row.is-focus').getAttribute('data-span');
  await keyboard.press('j');
  assert.equal(await active(), older.ids.edge);
  await keyboard.press('ArrowDown');
  await keyboard.press('j');
  assert.equal(await active(), older.ids.shop);
  await keyboard.press('h');
  await until('collapsed', () => page.locator('.fall-row:not([hidden])').count(), (count) => count === 4);
  await keyboard.press('l');
  await until('expanded', () => page.locator('.fall-row:not([hidden])').count(), (count) => count === 13);
  await keyboard.press('ArrowRight');
  assert.equal(await active(), older.ids.cart);
  await keyboard.press('ArrowLeft');
  assert.equal(await active(), older.ids.shop, 'to the parent');
  const row = await page.locator('[role="treegrid"]').getAttribute('aria-activedescendant');
  assert.equal(await page.locator(`#${row}`).getAttribute('data-span'), older.ids.shop, 'who listens hears the same');
  await keyboard.press('Enter');
  await page.locator('.details h2', { hasText: 'POST /orders' }).waitFor();
  await keyboard.press('e');
  await page.locator('.details h2', { hasText: 'pay.v1.Payments/Charge' }).waitFor();
  await keyboard.press('z');
  await page.getByRole('button', { name: 'Whole trace' }).waitFor();
  await keyboard.press('Escape');
  await page.locator('.details').waitFor({ state: 'hidden' });
  await keyboard.press('Escape');
  await page.getByRole('button', { name: 'Whole trace' }).waitFor({ state: 'hidden' });
  await keyboard.press('/');
  assert.ok(await focused(page, '[aria-label="Find in this trace"]'));
  await keyboard.type('cart');
  await page.getByText('1 match').waitFor();
  await keyboard.press('Escape');

  // To the other pages and back.
  await keyboard.press('g');
  await keyboard.press('s');
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
  await page.locator('[data-key]').first().waitFor();
  await keyboard.press('j');
  await keyboard.press('Enter');
  await page.locator('.timeline').waitFor();
  await keyboard.press('g');
  await keyboard.press('p');
  const node = page.locator('.topology-figure [data-node="service:catalog"]');
  await node.waitFor();
  await node.focus();
  await keyboard.press('Enter');
  await until('its traces', () => page.evaluate(() => location.hash), (hash) => hash === '#/traces?service=catalog');
  await keyboard.press('g');
  await keyboard.press('i');
  await page.getByRole('heading', { name: 'Status' }).waitFor();
  await keyboard.press('g');
  await keyboard.press('t');
  await page.locator('table.traces').waitFor();
  await page.done();
});

test('whatever can be pressed has a name, and Tab reaches it, also while spans arrive', async () => {
  for (const hash of ['#/traces', `#/trace/${older.trace}?span=${older.ids.cart}`, '#/sessions', '#/session/session-k', '#/topology', '#/status']) {
    const page = await open(browser, viewer, hash);
    await page.locator('.page .panel').first().waitFor();
    const nameless = await page.locator('a[href], button, input, [role="button"], [role="treegrid"], summary').evaluateAll((elements) =>
      elements.filter((element) => !element.textContent.trim() && !element.getAttribute('aria-label') && !(element.id && document.querySelector(`label[for="${element.id}"]`))).map((element) => element.outerHTML.slice(0, 120)));
    assert.deepEqual(nameless, [], hash);
    await page.evaluate(() => {
      window.wanted = [...document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')].filter((element) => element.checkVisibility() && !element.disabled);
      window.reached = new Set();
    });
    // As many steps as there are places, and those that come meanwhile.
    for (let n = 0; n < 400; n += 1) {
      if (n % 10 === 0) await viewer.send(browse({ base: ago(500), who: { session: 'session-k', user: 'user-k' } }).body);
      await page.keyboard.press('Tab');
      const round = await page.evaluate(() => {
        const again = window.reached.has(document.activeElement);
        window.reached.add(document.activeElement);
        return again || document.activeElement === document.body;
      });
      if (round) break;
    }
    const missed = await page.evaluate(() => window.wanted.filter((element) => !window.reached.has(element)).map((element) => `${element.isConnected ? '' : 'gone: '}${element.outerHTML.slice(0, 120)}`));
    assert.deepEqual(missed, [], hash);
    await page.done();
  }
});
