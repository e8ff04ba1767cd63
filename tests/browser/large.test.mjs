// Ten thousand spans: what is in the page is what is in sight.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago } from './otlp.mjs';
import { large } from './shop.mjs';
import { open, startBrowser, startViewer, until } from './support.mjs';

const SPANS = 10_000;
const MOST_ROWS = 80;
const MOST_ELEMENTS = 2500;
const browser = await startBrowser();

test('a trace of 10,000 spans scrolls with a bounded page', async (context) => {
  const viewer = await startViewer();
  const { trace, bodies } = large({ base: ago(3000), spans: SPANS });
  for (const body of bodies) await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}`);
  const grid = page.locator('[role="treegrid"]');
  await until('all rows are known', () => grid.getAttribute('aria-rowcount'), (count) => count === String(SPANS + 1));
  await page.locator('.fall-row:not([hidden])').first().waitFor();

  // Counts the rows that are filled with another span, frame by frame, from top to end.
  const found = await page.evaluate(async () => {
    const body = document.querySelector('[role="treegrid"]');
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    let filled = 0;
    let covered = 0;
    const seen = new Set();
    new MutationObserver((changes) => (filled += changes.length)).observe(body, { attributes: true, attributeFilter: ['aria-rowindex'], subtree: true });
    const end = document.documentElement.scrollHeight - innerHeight;
    const step = innerHeight * 0.8;
    const frames = [];
    let most = { perFrame: 0, rows: 0, elements: 0 };
    for (let at = 0; at <= end + step; at += step) {
      const before = filled;
      const started = performance.now();
      scrollTo(0, Math.min(at, end));
      await frame();
      await frame();
      frames.push(performance.now() - started);
      const rows = [...body.querySelectorAll('[role="row"]')];
      for (const row of rows) if (!row.hidden) seen.add(row.getAttribute('aria-rowindex'));
      // A row in the middle of the window is drawn, wherever one is.
      const { left } = body.getBoundingClientRect();
      if (document.elementFromPoint(left + 30, innerHeight * 0.6)?.closest('[role="row"]')) covered += 1;
      most = { perFrame: Math.max(most.perFrame, filled - before), rows: Math.max(most.rows, rows.length), elements: Math.max(most.elements, document.querySelectorAll('*').length) };
    }
    frames.sort((a, b) => a - b);
    return { ...most, steps: frames.length, covered, seen: seen.size, median: frames[frames.length >> 1], worst: frames.at(-1) };
  });
  context.diagnostic(`${found.steps} steps; rows ${found.rows}, elements ${found.elements}, filled a step ${found.perFrame} at most; two frames took ${found.median.toFixed(1)} ms in the median, ${found.worst.toFixed(1)} ms at most`);
  assert.ok(found.rows <= MOST_ROWS, `${found.rows} rows in the page`);
  assert.ok(found.elements <= MOST_ELEMENTS, `${found.elements} elements in the page`);
  assert.ok(found.perFrame <= MOST_ROWS, `${found.perFrame} rows were filled in one step`);
  assert.equal(found.covered, found.steps, 'a place without a row');
  assert.equal(found.seen, SPANS + 1, 'rows that never were drawn');

  // Scrolling by one row fills one row, and not all of them.
  const one = await page.evaluate(async () => {
    const body = document.querySelector('[role="treegrid"]');
    scrollTo(0, 100_000);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    let filled = 0;
    const observer = new MutationObserver((changes) => (filled += changes.length));
    observer.observe(body, { attributes: true, attributeFilter: ['aria-rowindex'], subtree: true });
    scrollBy(0, 28);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return filled;
  });
  assert.ok(one >= 1 && one <= 2, `${one} rows were filled for one that came in`);

  // Keys and the search find their way in it, too.
  await grid.focus();
  await page.keyboard.press('End');
  await page.locator(`.fall-row[aria-rowindex="${SPANS + 1}"].is-focus`).waitFor();
  await page.getByLabel('Find in this trace').fill('step 4321');
  await page.locator('.fall-row.is-match', { hasText: 'step 4321' }).waitFor();
  await page.getByRole('button', { name: 'Collapse all' }).click();
  await until('collapsed', () => page.locator('.fall-row:not([hidden])').count(), (count) => count === 2);
  await page.done();
});
