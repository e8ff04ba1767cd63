// A session: its requests in order, with the pauses between them.

import { get, paths } from './api.js';
import { copyButton, fill, h, said, title } from './dom.js';
import { clock, count, duration, long, nsBetween, plural, unixMs, zoned } from './format.js';
import { linkKeys, setPageKeys } from './keys.js';
import { livePage } from './live-page.js';
import { durationBar, fact, findingsMark, message, methodAndRoute, serviceName, statusOf, traceHref, traceName, tracesHref } from './parts.js';
import { renew } from './renew.js';

const REFRESH_MS = 1000;
/** A shorter pause is none that a person has lived. */
const LEAST_PAUSE_NS = 20e6;

export function openSession(root, place) {
  const id = place.id ?? '';
  const app = new URLSearchParams(place.query).get('app');
  const links = () => [...root.querySelectorAll('.timeline .row-link')];
  const notice = h('div.notice', { role: 'status', hidden: true });
  const content = h('div');
  document.title = title(`Session ${id.slice(0, 40)} · rum-trace`);
  setPageKeys(new Map([...linkKeys(links), ['u', () => history.back()]]), [[['u'], 'Back']]);
  return livePage(root, {
    everyMs: () => REFRESH_MS,
    wants: (data) => data.more > 0 || data.traces.some((each) => each.session_id === id),
    ask: (signal) => get(paths.session(id), app ? { app } : null, signal),
    show(session) {
      notice.hidden = true;
      if (!content.isConnected) fill(root, notice, content);
      renew(content, header(session, app), timeline(session));
    },
    failed(error, shown) {
      const missing = error.status === 404;
      if (shown) {
        notice.hidden = false;
        fill(notice, missing ? 'The requests of this session are no longer in the store. What is shown here is gone when you leave.' : error.message);
        return false;
      }
      fill(root, missing ? unknown(id) : message('The session cannot be shown', h('p', {}, error.message)));
      return true;
    },
  });
}

function unknown(id) {
  return message(
    'This session is not here',
    h('p', {}, 'None of its requests has arrived, or they have been evicted to make room for newer ones.'),
    h('p.mono', {}, said(id, 200)),
    h('p', {}, h('a', { href: '#/sessions' }, 'All sessions')),
  );
}

function header(session, app) {
  const { session_id: id, app_ids: apps, app_types: types, user_ids: users, requests, truncated } = session;
  const failed = requests.filter((request) => request.errors > 0 || request.status >= 500).length;
  const lasted = nsBetween(session.first_unix_nano, session.last_unix_nano);
  return h(
    'header.trace-head',
    {},
    h('div.trace-title', {}, h('h1', {}, 'Session ', h('span.mono', {}, said(id, 200))), copyButton(id, 'the session id')),
    h(
      'div.facts',
      {},
      fact('requests', h('span.number', {}, count(requests.length))),
      failed > 0 && fact('failed', h('span.error-text', {}, count(failed))),
      fact('began', h('time.number', {}, zoned(unixMs(session.first_unix_nano)))),
      fact('lasted', h('span.number', {}, lasted < 1e9 ? duration(lasted) : long(lasted))),
      apps.slice(0, 5).map((each) => fact('app', h('a', { href: tracesHref({ app: each }) }, said(each, 120)))),
      types.slice(0, 5).map((each) => fact('type', said(each, 40))),
      users.slice(0, 5).map((each) => fact('user', h('a', { href: tracesHref({ user: each }) }, said(each, 120)))),
      h('a', { href: tracesHref(app ? { app, session: id } : { session: id }) }, 'As a list of traces'),
      truncated > 0 && h('span.tag.warn', {}, `${plural(truncated, 'request')} not shown`),
    ),
  );
}

function timeline({ requests }) {
  const sorted = requests.map((each) => each.duration_ns).sort((a, b) => a - b);
  const most = sorted[Math.floor((sorted.length - 1) * 0.95)] ?? 1;
  return h('ol.timeline.panel', { vars: { '--most': Math.max(most, 1) } }, requests.flatMap((request) => [pause(request), item(request)]));
}

/** As high as it was long, roughly: ten times longer is one step higher. */
function pause({ pause_ns: ns, trace_id: trace, span_id: span }) {
  if (!Number.isFinite(ns) || ns < LEAST_PAUSE_NS) return null;
  const steps = Math.min(Math.max(Math.log10(ns / 1e8), 0), 5);
  const text = ns < 1e9 ? duration(ns) : long(ns);
  return h('li.pause', { class: ns >= 60e9 ? 'is-long' : null, data: { key: `before ${trace}/${span}` }, vars: { '--steps': steps.toFixed(2) } }, h('span.pause-text.number', {}, text), h('span.sr-only', {}, ' pause'));
}

function item(request) {
  const bad = request.errors > 0 || request.status >= 500;
  const start = unixMs(request.start_unix_nano);
  return h(
    'li.lived',
    { class: bad ? 'is-bad has-errors' : null, data: { key: `${request.trace_id}/${request.span_id}` } },
    h('time.lived-time.number', { title: zoned(start) }, clock(start)),
    h('span.lived-dot', { 'aria-hidden': 'true' }),
    h(
      'div.lived-what',
      {},
      h('a.row-link', { href: traceHref(request.trace_id), title: request.name }, traceName(request.name ?? '', true)),
      h('span.below', {}, methodAndRoute(request), request.service !== null && serviceName(request.service), findingsMark(request.findings)),
    ),
    h('span.lived-status', {}, statusOf(request)),
    h('span.lived-took', {}, durationBar(request.duration_ns)),
  );
}
