// The newest sessions.

import { get } from './api.js';
import { fill, h, said } from './dom.js';
import { age, count, unixMs, zoned } from './format.js';
import { linkKeys, setPageKeys } from './keys.js';
import { livePage } from './live-page.js';
import { message, sessionHref, tracesHref } from './parts.js';
import { renew } from './renew.js';

const REFRESH_MS = 1500;
const AGE_MS = 5000;
const MOST = 200;

export function openSessions(root) {
  let last = null;
  document.title = 'Sessions · rum-trace';
  setPageKeys(new Map(linkKeys(() => [...root.querySelectorAll('.session-link')])), []);
  const page = livePage(root, {
    everyMs: () => REFRESH_MS,
    ask: (signal) => get('sessions', { limit: MOST }, signal),
    show,
    failed(error) {
      last = null;
      fill(root, message('The sessions cannot be listed', h('p', {}, error.message)));
      return true;
    },
  });
  // They grow older, also while nothing comes.
  const clock = setInterval(() => last && show(last), AGE_MS);
  return {
    close() {
      clearInterval(clock);
      page.close();
    },
  };

  function show(answer) {
    last = answer;
    renew(root, h('header.page-head', {}, h('h1', {}, 'Sessions'), h('span.quiet', {}, 'newest first')), answer.sessions.length > 0 ? list(answer.sessions) : none());
  }
}

function none() {
  return message('No session yet', h('p', {}, 'A session appears with the first request that tells which session it belongs to: a RUM member in the tracestate, or baggage. sw8 alone tells none.'));
}

function list(sessions) {
  const columns = ['Session', 'App', 'User', 'Requests', 'Errors', 'Last'];
  return h(
    'div.panel.table-scroll',
    { role: 'region', 'aria-label': 'Sessions', tabindex: '0' },
    h('table.facts-table.sessions', {}, h('thead', {}, h('tr', {}, columns.map((name, index) => h('th', { scope: 'col', class: index < 3 ? 'as-text' : null }, name)))), h('tbody', {}, sessions.map(row))),
  );
}

function row(session) {
  const { session_id: id, app_id: app, app_type: type, user_id: user, requests, errors } = session;
  const last = unixMs(session.last_unix_nano);
  return h(
    'tr',
    { data: { key: `${app}/${id}` } },
    h('td.as-text', {}, h('a.session-link', { href: sessionHref(id, app) }, h('span.mono', {}, said(id, 60)))),
    h('td.as-text', {}, type && [h('span.tag', {}, said(type, 30)), ' '], app && h('a', { href: tracesHref({ app }) }, said(app, 60))),
    h('td.as-text', {}, user && h('a', { href: tracesHref({ user }) }, said(user, 60))),
    h('td', {}, count(requests)),
    h('td', { class: errors > 0 ? 'error-text' : null }, count(errors)),
    h('td', { title: zoned(last) }, age(Date.now() - last)),
  );
}
