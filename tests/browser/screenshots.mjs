// The pictures of the documents, of what the real viewer shows of a small shop.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ago } from './otlp.mjs';
import { smaller } from './png.mjs';
import { browse, order } from './shop.mjs';
import { open, spanRow, startBrowser, startViewer, until } from './support.mjs';

const folder = new URL('../../docs/images/', import.meta.url);
const LARGEST = 200_000;
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
const SESSION = 'b2ff0a9d4f6742d2';
const PEOPLE = [
  ['android', { session: SESSION, user: 'uid_bes8x1g38w6lff60' }],
  ['ios', { session: '7f2c11aa90be4c0c', user: 'uid_k28xq0' }],
  ['browser', { session: '4f04d2f50a9d4f67', user: 'uid_1b8f' }],
  ['miniapp', { session: 'c0ffee12aa01', user: 'uid_mini9' }],
];
const ROUTES = ['/products/{id}', '/search', '/cart', '/products/{id}/reviews', '/home'];

test('screenshots', async () => {
  mkdirSync(folder, { recursive: true });
  const viewer = await startViewer();
  const { failed, lost } = await fillShop(viewer);
  const browser = await startBrowser();
  const shots = [
    ['traces', '#/traces', null],
    ['trace', `#/trace/${failed.trace}?span=${failed.ids.pay}`, failed.ids.bank],
    ['session', `#/session/${SESSION}`, null],
    ['topology', '#/topology', null],
  ];
  for (const theme of ['light', 'dark']) for (const [name, hash, span] of shots) await shoot(browser, viewer, { name: `view-${name}-${theme}`, hash, span, theme, ...WIDE });
  for (const [name, hash, span] of [['traces', '#/traces', null], ['trace', `#/trace/${lost.trace}`, lost.ids.stock], ['session', `#/session/${SESSION}`, null]]) {
    await shoot(browser, viewer, { name: `view-${name}-narrow`, hash, span, theme: 'light', ...NARROW });
  }
});

async function shoot(browser, viewer, { name, hash, span, theme, width, height }) {
  const page = await open(browser, viewer, hash, { theme, width, height, reducedMotion: 'reduce' });
  await page.locator('.page .panel').first().waitFor();
  await until('live', () => page.locator('#live').getAttribute('class'), (value) => value.includes('is-live'));
  // What is missing is counted once a trace is quiet.
  if (hash === '#/traces') await page.locator('.traces .tag.warn').first().waitFor();
  if (span) await spanRow(page, span).waitFor();
  if (hash.includes('span=')) await page.locator('.details [data-part]').first().waitFor();
  if (span) await page.locator('.trace-diagram').waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  const path = fileURLToPath(new URL(`${name}.png`, folder));
  const png = smaller(await page.screenshot());
  writeFileSync(path, png);
  console.log(`${name} ${png.length} bytes`);
  assert.ok(png.length < LARGEST, `${name} is too large`);
  await page.done();
}

/** A few minutes of four people; in the order of time, as it would have come. */
async function fillShop(viewer) {
  const all = [];
  const add = (seconds, make) => all.push({ seconds, ...make(ago(seconds * 1000)) });
  for (let n = 0; n < 36; n += 1) {
    const [type, who] = PEOPLE[n % 4];
    const status = n % 11 === 5 ? 503 : n % 13 === 7 ? 404 : 200;
    const took = 14 + ((n * 37) % 90) * (n % 9 === 4 ? 6 : 1);
    add(330 - n * 9 - ((n * 7919) % 5), (base) => browse({ base, type, who, route: ROUTES[(n * 7) % 5], took, status }));
  }
  const orders = [250, 190, 128, 70, 22, 6].map((seconds, n) => {
    const [type, who] = PEOPLE[[0, 1, 2, 3, 1, 0][n]];
    add(seconds, (base) => order({ base, type, who, fail: n === 5, lose: n === 4, scale: 1 + (n % 3) * 0.3 }));
    return all.at(-1);
  });
  for (const { body } of [...all].sort((a, b) => b.seconds - a.seconds)) await viewer.send(body);
  return { lost: orders[4], failed: orders[5] };
}
