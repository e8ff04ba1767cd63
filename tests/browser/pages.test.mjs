// What the pages have in common: they follow the server, and leave alone what one uses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, FLAGS, milliseconds, newSpanId, newTraceId, request, span } from './otlp.mjs';
import { browse, http, order } from './shop.mjs';
import { open, rowIds, spanRow, startBrowser, startViewer, until } from './support.mjs';

const browser = await startBrowser();
const who = { session: 'session-p', user: 'user-p' };

/** Sends until it is stopped; then waits for the last. */
function sendOn(viewer, body) {
  let going = true;
  const ended = (async () => {
    while (going) await viewer.send(body());
  })();
  return () => {
    going = false;
    return ended;
  };
}

test('what is drawn anew stays what it was: elements, focus, selection, scroll', async () => {
  const viewer = await startViewer();
  for (let n = 0; n < 3; n += 1) await viewer.send(order({ base: ago(9000 + n), who: { session: `session-${n}`, user: 'u' } }).body);
  for (const [hash, kept, changes] of [
    ['#/status', '.line-to-copy .copy', '.card-line .number'],
    ['#/sessions', 'tr[data-key$="session-1"] a', 'tr[data-key$="session-p"] td:nth-child(4)'],
    ['#/session/session-p', '.lived .row-link', '.facts .number'],
    ['#/traces', '.traces .row-link', '.found'],
  ]) {
    await viewer.send(browse({ base: ago(1000), who }).body);
    const page = await open(browser, viewer, hash, { width: 700 });
    const one = page.locator(kept).last();
    await one.waitFor();
    await one.evaluate((element) => {
      element.focus();
      window.kept = element;
      window.moved = document.querySelector('.table-scroll');
      if (window.moved) window.moved.scrollLeft = 40;
      window.left = window.moved?.scrollLeft;
    });
    const text = () => page.locator(changes).first().textContent();
    const before = await text();
    const stop = sendOn(viewer, () => browse({ base: ago(500), who }).body);
    await until(`${hash} changes`, text, (now) => now !== before);
    await stop();
    const found = await page.evaluate(() => ({ there: window.kept.isConnected, focused: document.activeElement === window.kept, scrolled: window.moved?.isConnected === false ? 'gone' : window.moved?.scrollLeft === window.left }));
    assert.deepEqual(found, { there: true, focused: true, scrolled: true }, hash);
    await page.done();
  }
});

test('a line can be copied while spans arrive', async () => {
  const viewer = await startViewer();
  const page = await open(browser, viewer, '#/status', { permissions: ['clipboard-read', 'clipboard-write'] });
  const button = page.locator('.line-to-copy .copy').first();
  await button.waitFor();
  const { x, y, width, height } = await button.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  const stop = sendOn(viewer, () => browse({ base: ago(500) }).body);
  const other = await open(browser, viewer, '#/status');
  await until('spans arrive', () => other.locator('.card-line .number').first().textContent(), (text) => !/^0/.test(text));
  await page.mouse.up();
  await page.locator('#say').getByText('Copied').waitFor({ state: 'attached' });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), viewer.http);
  await stop();
  await page.done();
  await other.done();
});

test('a trace and a session that are not here yet are shown when they come', async () => {
  const viewer = await startViewer();
  const one = order({ base: ago(3000), who });
  const trace = await open(browser, viewer, `#/trace/${one.trace}`, { allow: /status of 404/ });
  const session = await open(browser, viewer, '#/session/session-p', { allow: /status of 404/ });
  await trace.getByText('This trace is not here').waitFor();
  await session.getByText('This session is not here').waitFor();
  for (const page of [trace, session]) await page.locator('#live.is-live').waitFor();
  await viewer.send(one.body);
  await spanRow(trace, one.ids.shop).waitFor();
  await session.locator('.lived').waitFor();
  await trace.done();
  await session.done();
});

test('the topology says when traces count, and then shows them, though nothing else comes', async () => {
  const viewer = await startViewer();
  const page = await open(browser, viewer, '#/topology');
  await page.getByText('Waiting for the first span').waitFor();
  await viewer.send(order({ base: ago(3000) }).body);
  await page.getByText('Nothing is counted yet').waitFor();
  await page.locator('.topology-figure .node').first().waitFor();
  await page.done();
});

test('each box of the topology that can be pressed leads to its traces', async () => {
  const viewer = await startViewer();
  const whole = order({ base: ago(5000) });
  const sent = (attrs, name) => {
    const [trace, id] = [newTraceId(), newSpanId()];
    const server = span({ trace, id, parent: newSpanId(), name, kind: 'server', base: ago(3000), took: 9, attrs: { ...attrs, ...http('GET', '/a', 200) }, flags: FLAGS.remote });
    return { trace, body: request({ lone: [server] }) };
  };
  const typed = sent({ 'rum.app.type': 'harmony' }, 'GET /typed');
  const unknown = sent({ 'session.id': 's' }, 'GET /unknown');
  for (const { body } of [whole, typed, unknown]) await viewer.send(body);
  const page = await open(browser, viewer, '#/topology');
  const box = (id) => page.locator(`.topology-figure [data-node="${id}"]`);
  for (const [id, filters, traces] of [
    ['peer:db.internal:5432', 'peer=db.internal%3A5432', [whole]],
    ['app:shopapp@18ff4c0a0d8fd8d', 'app=shopapp%4018ff4c0a0d8fd8d', [whole]],
    ['app_type:harmony', 'app_type=harmony', [typed]],
    ['service:lone', 'service=lone', [unknown, typed]],
  ]) {
    await box(id).click();
    await until(id, () => rowIds(page), (ids) => JSON.stringify(ids) === JSON.stringify(traces.map(({ trace }) => trace)));
    assert.equal(await page.evaluate(() => location.hash), `#/traces?${filters}`);
    await page.goBack();
  }
  await box('app_type:unknown').waitFor();
  assert.deepEqual(await box('app_type:unknown').evaluate((node) => [node.getAttribute('role'), node.tabIndex]), ['img', -1]);
  // Of one trace only the services lead to a span.
  await page.evaluate((hash) => (location.hash = hash), `#/trace/${whole.trace}`);
  await page.locator('.trace-diagram .node').first().waitFor();
  const pressed = await page.locator('.trace-diagram [role="button"]').evaluateAll((nodes) => nodes.map((node) => node.dataset.node).sort());
  assert.deepEqual(pressed, ['service:gateway', 'service:payment', 'service:shop', 'service:stock']);
  await page.done();
});

test('of a dense graph the busiest hops are drawn, and the others are in the table', async () => {
  const viewer = await startViewer();
  const names = Array.from({ length: 25 }, (_, index) => `service-${String(index).padStart(2, '0')}`);
  const base = ago(5000);
  const pairs = names.flatMap((from, index) => names.slice(index + 1).map((to) => [from, to]));
  for (const [from, to] of pairs) {
    const [trace, id] = [newTraceId(), newSpanId()];
    const calls = from === 'service-03' ? [id, newSpanId()] : [id];
    await viewer.send(request({
      [from]: calls.map((call) => span({ trace, id: call, name: 'GET', kind: 'client', base, took: 5 })),
      [to]: calls.map((call) => span({ trace, parent: call, name: 'GET /', kind: 'server', base, took: 3, flags: FLAGS.remote })),
    }));
  }
  const page = await open(browser, viewer, '#/topology');
  await until('all are counted', () => page.locator('.facts-table tbody tr').count(), (count) => count === pairs.length);
  await page.getByText('the 200 busiest hops are drawn').waitFor();
  assert.equal(await page.locator('.topology-figure .edge').count(), 200);
  const drawn = await page.locator('.topology-figure .edge[data-from="service:service-03"]').count();
  assert.equal(drawn, names.length - 4, 'those with two calls are all drawn');
  await page.done();
});

test('what is looked at in a trace stays while it grows to both sides', async () => {
  const viewer = await startViewer();
  const base = ago(5000);
  const { trace, ids, body } = order({ base });
  await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}?span=${ids.cart}`);
  const details = page.locator('.details');
  await details.locator('[data-part="resource"]').waitFor();
  await details.locator('[data-part="resource"] summary').click();
  assert.equal(await page.locator('.event-mark').count(), 2);
  await page.locator('.fall-body').focus();
  await page.keyboard.press('z');
  await page.getByRole('button', { name: 'Whole trace' }).waitFor();
  const bar = () => spanRow(page, ids.cart).locator('.bar').evaluate((element) => {
    const [{ left, width }, area] = [element, element.parentElement].map((each) => each.getBoundingClientRect());
    return [Math.round(left - area.left), Math.round(width)];
  });
  const before = await until('zoomed', bar, ([, width]) => width > 300);
  const started = () => details.locator('.pairs').innerText();
  const was = await started();
  await viewer.send(request({ early: [span({ trace, name: 'before all', base: base - milliseconds(400), took: 2 })] }));
  await until('the trace begins before', started, (text) => text !== was);
  assert.deepEqual(await bar(), before, 'what is zoomed to has moved away');
  assert.equal(await details.locator('[data-part="resource"]').evaluate((part) => part.open), false);
  assert.equal(await page.locator('.event-mark').count(), 2);
  await details.getByRole('button', { name: 'Close the details' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'treegrid');
  await page.done();
});

test('a key that is held writes no history, and the address follows', async () => {
  const viewer = await startViewer();
  const { trace, ids, body } = order({ base: ago(5000) });
  await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}?span=${ids.edge}`);
  await page.locator('.details [data-part]').first().waitFor();
  await page.evaluate(() => {
    window.written = 0;
    const write = history.replaceState.bind(history);
    history.replaceState = (...all) => {
      window.written += 1;
      write(...all);
    };
  });
  await page.locator('.fall-body').focus();
  for (let n = 0; n < 40; n += 1) await page.evaluate((key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })), n % 2 === 0 ? 'j' : 'k');
  await page.keyboard.press('j');
  const chosen = await page.locator('.fall-row.is-selected').getAttribute('data-span');
  await until('the address', () => page.evaluate(() => location.hash), (hash) => hash.endsWith(chosen));
  assert.ok((await page.evaluate(() => window.written)) < 20);
  await page.done();
});

test('what is refused and what is left alone is told, and where to send from here', async () => {
  const viewer = await startViewer({ http: '0.0.0.0:0' });
  const page = await open(browser, viewer, '#/status');
  await page.getByText('Nothing: all that came was taken.').waitFor();
  const { port } = new URL(viewer.http);
  const lines = await page.locator('.line-to-copy code').allTextContents();
  assert.ok(lines.includes(`http://127.0.0.1:${port}`), lines.join());
  await fetch(`http://127.0.0.1:${port}/v1/metrics`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  await viewer.send(browse({ base: ago(1000) }).body).catch(() => {});
  await page.getByText('Requests of metrics').waitFor();
  await page.done();
});
