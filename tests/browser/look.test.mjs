// Both themes with their contrasts, as computed; and a phone's width.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, newTraceId, request, span } from './otlp.mjs';
import { browse, order } from './shop.mjs';
import { DEADLINE, noSidewaysScroll, open, spanRow, startBrowser, startViewer, until } from './support.mjs';

const browser = await startBrowser();
const viewer = await startViewer();
const failed = order({ base: ago(9000), who: { session: 'session-look', user: 'u' }, fail: true });
const lost = order({ base: ago(7000), who: { session: 'session-look', user: 'u' }, lose: true });
const seen = browse({ base: ago(4000), status: 404 });
for (const { body } of [failed, lost, seen]) await viewer.send(body);

const PAGES = [
  ['#/traces', '.traces tbody tr'],
  ['#/traces?status=5xx&service=shop', '.chip'],
  [`#/trace/${failed.trace}?span=${failed.ids.pay}`, '.details [data-part="attributes"]'],
  [`#/trace/${lost.trace}`, '.finding'],
  [`#/trace/${lost.trace}`, '.fall-row.is-match', (page) => page.getByLabel('Find in this trace').fill('cart')],
  ['#/sessions', '.sessions'],
  ['#/session/session-look', '.timeline'],
  ['#/topology', '.topology-figure .node'],
  ['#/status', '.card'],
];

// Runs in the page: each text that is seen against what lies behind it.
function tooWeak() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const over = (top, below) => [0, 1, 2].map((at) => (top[at] * top[3] + below[at] * (255 - top[3])) / 255);
  const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(rgba(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const opacity = (element) => {
    let all = 1;
    for (let each = element; each; each = each.parentElement) all *= Number(getComputedStyle(each).opacity);
    return all;
  };
  // In a diagram a text lies on the box of its group, or between boxes.
  const coloursOf = (element) => {
    const style = getComputedStyle(element);
    if (!element.closest('svg')) return [style.color, behind(element)];
    const box = element.closest('g')?.querySelector('rect');
    const below = behind(element.closest('svg'));
    return [style.fill, box ? over(rgba(getComputedStyle(box).fill), below) : below];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  let checked = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('noscript, .sr-only, title') || !element.checkVisibility()) continue;
    const [colour, ground] = coloursOf(element);
    const ink = [...rgba(colour)];
    ink[3] *= opacity(element);
    const [a, b] = [luminance(over(ink, ground)), luminance(ground)].sort((x, y) => x - y);
    const ratio = (b + 0.05) / (a + 0.05);
    checked += 1;
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${element.getAttribute('class')} ${walker.currentNode.data.slice(0, 40)}`);
  }
  return { checked, found };
}

for (const theme of ['light', 'dark']) {
  test(`every text has a contrast of 4.5 to 1, ${theme}`, async () => {
    for (const [hash, ready, prepare] of PAGES) {
      const page = await open(browser, viewer, hash, { theme });
      await prepare?.(page);
      await page.locator(ready).first().waitFor();
      const dark = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      assert.equal(dark, theme === 'dark' ? 'rgb(17, 20, 26)' : 'rgb(245, 246, 248)');
      const { checked, found } = await page.evaluate(tooWeak);
      assert.ok(checked > 15, `${hash}: only ${checked} texts`);
      assert.deepEqual(found, [], hash);
      await page.done();
    }
  });
}

test('the theme can be chosen, and is kept', async () => {
  const page = await open(browser, viewer, '', { theme: 'light' });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const button = page.locator('#theme');
  assert.equal(await button.getAttribute('aria-label'), 'Theme: system');
  const light = await ground();
  await button.click();
  await button.click();
  assert.equal(await button.getAttribute('aria-label'), 'Theme: dark');
  assert.notEqual(await ground(), light);
  await page.reload();
  assert.notEqual(await ground(), light);
  await page.keyboard.press('t');
  assert.equal(await button.getAttribute('aria-label'), 'Theme: system');
  assert.equal(await ground(), light);
  await page.done();
});

test('a service has one colour on every page, and after a reload', async () => {
  const page = await open(browser, viewer, `#/trace/${failed.trace}`);
  const bar = () => spanRow(page, failed.ids.stock).locator('.bar').evaluate((element) => getComputedStyle(element).backgroundColor);
  await spanRow(page, failed.ids.stock).waitFor();
  const found = await bar();
  await page.goto(`${viewer.address}/#/topology`);
  await page.reload();
  const dot = page.locator('.topology-figure [data-node="service:stock"] .node-dot');
  await until('the same colour', () => dot.evaluate((element) => getComputedStyle(element).fill), (fill) => fill === found);
  await page.done();
});

test('two tabs that meet services by themselves agree on their colours', async () => {
  // The same colour is the first choice of both.
  const names = ['lone', 'search'];
  const traces = names.map(() => newTraceId());
  for (const [index, name] of names.entries()) await viewer.send(request({ [name]: [span({ trace: traces[index], name: 'GET /', kind: 'server', base: ago(3000) })] }));
  const context = await browser.newContext();
  const tabs = [await context.newPage(), await context.newPage()];
  for (const tab of tabs) {
    tab.setDefaultTimeout(DEADLINE);
    await tab.goto(`${viewer.address}/#/status`);
    await tab.locator('.card').first().waitFor();
  }
  const colour = async (tab, index) => {
    await tab.evaluate((hash) => (location.hash = hash), `#/trace/${traces[index]}`);
    const dot = tab.locator(`.trace-diagram [data-node="service:${names[index]}"] .node-dot`);
    await dot.waitFor();
    return dot.evaluate((element) => getComputedStyle(element).fill);
  };
  await colour(tabs[0], 0);
  await colour(tabs[1], 1);
  const told = [];
  for (const tab of tabs) told.push([await colour(tab, 0), await colour(tab, 1)]);
  assert.deepEqual(told[0], told[1]);
  assert.notEqual(...told[0]);
  await context.close();
});

test('where the system has the colours, bars are seen and the chosen row is marked', async () => {
  const page = await open(browser, viewer, `#/trace/${failed.trace}?span=${failed.ids.pay}`, { forcedColors: 'active' });
  await spanRow(page, failed.ids.pay).waitFor();
  const [bar, ground] = await page.evaluate((id) => [`.fall-row[data-span="${id}"] .bar`, 'body'].map((what) => getComputedStyle(document.querySelector(what)).backgroundColor), failed.ids.stock);
  assert.notEqual(bar, ground);
  assert.equal(await page.locator('.fall-row.is-selected').evaluate((row) => getComputedStyle(row).outlineStyle), 'solid');
  await page.done();
});

test('at 390 pixels nothing scrolls sideways, and all of it is there', async () => {
  for (const [hash, ready, prepare] of PAGES) {
    const page = await open(browser, viewer, hash, { width: 390, height: 844, hasTouch: true });
    await prepare?.(page);
    await page.locator(ready).first().waitFor();
    await noSidewaysScroll(page, 390);
    const lost = await page.locator('.topbar a, .topbar button').evaluateAll((elements) => elements.filter((element) => element.getBoundingClientRect().right > 390).map((element) => element.textContent));
    assert.deepEqual(lost, [], hash);
    await page.done();
  }
});

test('at 390 pixels the details are a sheet below the rows', async () => {
  const page = await open(browser, viewer, `#/trace/${failed.trace}`, { width: 390, height: 844 });
  await spanRow(page, failed.ids.shop).click();
  const box = await until('the sheet', () => page.locator('.details').boundingBox(), (found) => found !== null && found.height > 200);
  assert.ok(box.y > 300 && Math.abs(box.y + box.height - 844) < 2, JSON.stringify(box));
  await noSidewaysScroll(page, 390);
  await page.locator('.details-close').click();
  await page.locator('.details').waitFor({ state: 'hidden' });
  await page.done();
});

test('who wants less motion gets none', async () => {
  const page = await open(browser, viewer, '', { reducedMotion: 'reduce' });
  await page.locator('.traces tbody tr').first().waitFor();
  await page.locator('#live.is-live').waitFor();
  await viewer.send(browse({ base: ago(1000) }).body);
  const cell = page.locator('tr.is-new td').first();
  await cell.waitFor();
  assert.equal(await cell.evaluate((element) => getComputedStyle(element).animationName), 'none');
  await page.done();
});
