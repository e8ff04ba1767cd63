// Whoever reaches the receiver writes every text of the page: it stays text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, FLAGS, newSpanId, newTraceId, request, span } from './otlp.mjs';
import { noSidewaysScroll, open, rowIds, startBrowser, startViewer, until } from './support.mjs';

const browser = await startBrowser();
const RUN = 'window.ran=1';
const MARKUP = `<img src=x onerror="${RUN}"><script>${RUN}</script><svg onload="${RUN}">"'><a href="javascript:${RUN}">`;
const FORMS = new Map([
  ['markup', MARKUP],
  ['turned text', '\u202egpj.exe\u2066\u2067 \u200f'],
  ['controls', 'a\u0000b\u0007\u001b[31mred\u009b\u2028\ufeff'],
  ['a very long name', 'x'.repeat(10_000)],
  ['a very long text', `${'long words '.repeat(900)}\n`.repeat(1)],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['an address', `javascript:${RUN}`],
  ['marks upon marks', `z${'\u0301\u0327'.repeat(500)}`],
]);

/** A trace with this text in every place that has a text. */
function everywhere(text) {
  const trace = newTraceId();
  const ids = { tap: newSpanId(), server: newSpanId(), client: newSpanId(), callee: newSpanId() };
  const base = ago(5000);
  const attrs = [
    ['rum.app.id', text], ['rum.app.type', text], ['rum.app.version', text], ['session.id', text], ['user.id', text], ['http.request.method', text], ['http.route', text], ['url.path', text],
    ['url.scheme', text], ['server.address', text], ['url.query', text], ['http.response.status_code', 500], [text, text], ['list', [text, [text]]], ['map', { [text]: { [text]: text } }],
    ['sw8.trace_id', text], ['sw8.parent_segment_id', text], ['sw8.peer', text], ['__proto__', text], ['constructor', text], ['rum.sampling.kept_alone', text],
  ];
  const more = { attrs, traceState: `${text}=${text},rum=${text}`, error: text, events: [{ name: text, at: 5, attrs: [[text, text]] }], links: [{ trace: newTraceId(), id: newSpanId(), traceState: text, attrs: [[text, text]] }] };
  const spans = [
    span({ trace, id: ids.server, parent: ids.tap, name: text, kind: 'server', base, took: 50, flags: FLAGS.remote, ...more }),
    span({ trace, id: ids.client, parent: ids.server, name: text, kind: 'client', base, at: 5, took: 30, ...more }),
  ];
  const callee = span({ trace, id: ids.callee, parent: ids.client, name: text, kind: 'server', base, at: 8, took: 20, flags: FLAGS.remote, attrs: [['http.route', text], ['session.id', `other ${text}`]] });
  return { trace, ids, body: request([[text, spans], [`callee ${text}`, [callee]]], { name: text, version: text, attributes: [{ key: text, value: { stringValue: text } }] }) };
}

for (const [name, text] of FORMS) {
  test(`${name} in every field is text, and the layout holds`, async () => {
    const viewer = await startViewer();
    const { trace, ids, body } = everywhere(text);
    await viewer.send(body);
    for (const width of [1280, 390]) {
      const page = await open(browser, viewer, '', { width });
      await until('the row', () => rowIds(page), (list) => list.length === 1);
      // Of a session that is as long as this the address is the only way in.
      const session = await page.evaluate(async () => (await (await fetch('/api/v1/sessions')).json()).sessions[0]?.session_id ?? null);
      const pages = ['#/traces', `#/trace/${trace}`, `#/trace/${trace}?span=${ids.server}`, `#/trace/${trace}?span=${ids.tap}`, `#/trace/${trace}?span=${ids.callee}`, '#/sessions', '#/topology', '#/status'];
      if (session && session.length < 2000) pages.push(`#/session/${encodeURIComponent(session)}`);
      for (const hash of pages) {
        await page.evaluate((to) => (location.hash = to), hash);
        await page.waitForLoadState('networkidle').catch(() => {});
        await page.locator('.page .panel').first().waitFor();
        if (hash.includes('span=')) await page.locator('.details [data-part]').first().waitFor();
        await noSidewaysScroll(page, width);
        const broken = await page.evaluate(() => ({
          ran: window.ran ?? null,
          made: document.querySelectorAll('main img, main script, main iframe, main [onerror], main [onload], main a[href^="javascript"]').length,
          raw: /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText + document.title),
          rows: [...document.querySelectorAll('.fall-row:not([hidden])')].filter((row) => row.offsetHeight > 44).length,
          tall: [...document.querySelectorAll('table.traces tr')].filter((row) => row.offsetHeight > 140).length,
        }));
        assert.deepEqual(broken, { ran: null, made: 0, raw: false, rows: 0, tall: 0 }, `${hash} at ${width}`);
      }
      await page.done();
    }
  });
}

test('what was written is what is read', async () => {
  const viewer = await startViewer();
  const { trace, ids, body } = everywhere(MARKUP);
  await viewer.send(body);
  const page = await open(browser, viewer, `#/trace/${trace}?span=${ids.server}`);
  await page.locator('.details [data-part="attributes"]').waitFor();
  assert.equal(await page.locator('.details h2').textContent(), MARKUP);
  const keys = await page.locator('[data-part="attributes"] th').allTextContents();
  for (const key of ['__proto__', 'constructor', MARKUP]) assert.ok(keys.includes(key), key);
  await page.done();
});

test('an address that somebody made up harms nothing', async () => {
  const viewer = await startViewer();
  for (const hash of ['#/__proto__', '#/constructor/x', '#/trace/%', `#/session/${encodeURIComponent(MARKUP)}`, '#/traces?__proto__=1&q=%3Cimg%20src=x%3E&status=<b>', '#//////', `#/trace/${'a'.repeat(5000)}`]) {
    const page = await open(browser, viewer, hash, { allow: /status of 4(00|04|14)/ });
    await page.locator('.page .message').waitFor();
    assert.equal(await page.evaluate(() => window.ran ?? null), null);
    assert.equal(await page.locator('main img').count(), 0);
    await page.done();
  }
});

test('the policy lets nothing else run', async () => {
  const viewer = await startViewer();
  const response = await fetch(`${viewer.address}/`);
  const policy = response.headers.get('content-security-policy');
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) assert.ok(policy.includes(part), policy);
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
});
