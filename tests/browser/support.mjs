// The real viewer, and a browser that looks at it and forgives nothing.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { send } from './otlp.mjs';

const { VIEWER, MODULES, CHROMIUM } = process.env;
const { chromium } = createRequire(`${MODULES}/`)('playwright-core');
/** Generous: who waits so long waits for nothing. */
export const DEADLINE = 30_000;

/** Starts `rum-trace view` on free ports; it ends with the test file. */
export async function startViewer({ listen = '127.0.0.1:0', http = '127.0.0.1:0', more = [] } = {}) {
  const child = spawn(VIEWER, ['view', '--listen', listen, '--grpc', '127.0.0.1:0', '--http', http, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  after(stop);
  const found = new Map();
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const [, name, address] = /^(page|OTLP\/gRPC|OTLP\/HTTP)\s+(http:\S+)$/.exec(line) ?? [];
    if (name) found.set(name, address);
    if (found.size === 3) break;
  }
  assert.equal(found.size, 3, 'the viewer told no addresses');
  child.stdout.resume();
  const address = found.get('page');
  return {
    address,
    http: found.get('OTLP/HTTP'),
    stop,
    send: (body) => send(found.get('OTLP/HTTP'), body),
    get: async (path) => (await fetch(`${address}/api/v1/${path}`)).json(),
  };
}

export async function startBrowser() {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-lcd-text', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  });
  after(() => browser.close());
  return browser;
}

/**
 * A page at this address. Whatever it says in the console, throws, or may not do is a
 * problem; so is a request to anybody else. `allow`: a pattern of what the browser itself
 * logs of answers and of a server that is gone.
 */
export async function open(browser, viewer, hash = '', { width = 1280, height = 800, theme = 'light', allow = null, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, ...more });
  const page = await context.newPage();
  const problems = [];
  const note = (text) => allow?.test(text) || problems.push(text);
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && note(`console: ${message.text()}`));
  page.on('pageerror', (error) => note(`thrown: ${error.stack}`));
  page.on('dialog', (dialog) => note(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on('request', (request) => request.url().startsWith(`${viewer.address}/`) || note(`request: ${request.url()}`));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
  });
  page.setDefaultTimeout(DEADLINE);
  await page.goto(`${viewer.address}/${hash}`);
  return Object.assign(page, {
    async done() {
      const violations = await page.evaluate(() => window.violations);
      await context.close();
      assert.deepEqual([...problems, ...violations], []);
    },
  });
}

/** Waits until the page answers so, and says what it answered last if it never does. */
export async function until(what, ask, good) {
  const end = Date.now() + DEADLINE;
  let answer;
  do {
    answer = await ask();
    if (good(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (Date.now() < end);
  assert.fail(`${what}: ${JSON.stringify(answer)}`);
}

export const traceRow = (page, trace) => page.locator(`tr[data-id="${trace}"]`);
export const spanRow = (page, id) => page.locator(`.fall-row[data-span="${id}"]`);

export async function rowIds(page) {
  return page.locator('table.traces tbody tr').evaluateAll((rows) => rows.map((row) => row.dataset.id));
}

export async function noSidewaysScroll(page, width) {
  const found = await page.evaluate(() => document.scrollingElement.scrollWidth);
  assert.ok(found <= width, `the page is ${found} wide`);
}
