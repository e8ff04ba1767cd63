// Drives the browser: lines of JSON in, a line of JSON out for each.
//
//   (nothing)                     {"browser": version}
//   {"page", "options", ...}      {"answers", "identity"}: the page is open now
//   "close"                       {"asked", "errors"}: of that page, until its end; a
//                                 request with its url and headers
//
// A page stays open until it is closed, so that its SDK has the time to report.
// Whether the report has come only its receiver knows.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [modules, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)('playwright-core');

// A user data directory of its own is what playwright gives by itself.
const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-proxy-server',
    // Nothing but the loopback can be reached, whatever an SDK has in mind.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});

// Runs in the page: makes the requests, one after another.
async function send(requests) {
  const json = { 'Content-Type': 'application/json' };
  const withBody = (method) => method === 'POST';

  async function byFetch({ method, url }) {
    const options = withBody(method) ? { method, headers: json, body: '{}' } : { method };
    const response = await fetch(url, options);
    return { status: response.status, text: await response.text() };
  }

  function byXhr({ method, url }) {
    return new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open(method, url);
      if (withBody(method)) xhr.setRequestHeader('Content-Type', json['Content-Type']);
      xhr.addEventListener('load', () => resolve({ status: xhr.status, text: xhr.responseText }));
      xhr.addEventListener('error', () => reject(new Error('XMLHttpRequest failed')));
      xhr.send(withBody(method) ? '{}' : null);
    });
  }

  const answers = [];
  for (const request of requests) {
    try {
      answers.push(await (request.by === 'fetch' ? byFetch : byXhr)(request));
    } catch (error) {
      answers.push({ error: String(error) });
    }
  }
  return answers;
}

// Runs in the page: who the SDK says that it is.
function whoAmI() {
  const sdk = window.RumSDK?.default;
  if (!sdk) return null;
  const { session } = sdk.client.getContext();
  return {
    session: session.getSessionId(),
    user: session.getUserId(),
    stored_session: localStorage.getItem('_arms_session').split('-')[0],
    stored_user: localStorage.getItem('_arms_uid'),
  };
}

let context;
let asked;
let errors;

async function open({ page: url, options, requests }) {
  [asked, errors] = [[], []];
  context = await browser.newContext();
  context.on('request', (request) => asked.push({ url: request.url(), headers: request.headers() }));
  await context.addInitScript((globals) => Object.assign(window, globals), options);
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url, { waitUntil: 'load' });
  const answers = await page.evaluate(send, requests);
  return { answers, identity: await page.evaluate(whoAmI) };
}

async function close() {
  await context.close();
  return { asked, errors };
}

const say = (answer) => console.log(JSON.stringify(answer));

say({ browser: browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  try {
    say(await (order === 'close' ? close() : open(order)));
  } catch (error) {
    say({ failed: String(error) });
  }
}
await browser.close();
