// The server goes, and comes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago } from './otlp.mjs';
import { browse, order } from './shop.mjs';
import { open, rowIds, startBrowser, startViewer, traceRow, until } from './support.mjs';

const browser = await startBrowser();

test('a server that is gone is said, and when it is back the page goes on by itself', async () => {
  const first = await startViewer();
  const gone = order({ base: ago(5000) });
  await first.send(gone.body);
  // What the browser itself logs of a server that is not there.
  const page = await open(browser, first, '', { allow: /Failed to load resource: net::ERR_|net::ERR_(CONNECTION|INCOMPLETE|EMPTY)/ });
  await traceRow(page, gone.trace).waitFor();
  await until('live', () => page.locator('#live').getAttribute('class'), (name) => name.includes('is-live'));
  await first.stop();
  await page.locator('#banner').getByText('is lost').waitFor();
  assert.ok(await traceRow(page, gone.trace).isVisible(), 'what is shown stays');

  const second = await startViewer({ listen: new URL(first.address).host });
  assert.equal(second.address, first.address);
  await page.locator('#banner').waitFor({ state: 'hidden' });
  // The new process knows nothing of before, and counts from the start.
  await until('the old trace is gone', () => rowIds(page), (ids) => ids.length === 0);
  const after = browse({ base: ago(1000) });
  await second.send(after.body);
  await traceRow(page, after.trace).waitFor();
  assert.deepEqual(await rowIds(page), [after.trace]);
  await page.done();
});
