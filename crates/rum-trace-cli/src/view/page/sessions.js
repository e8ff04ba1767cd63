// The newest sessions.

import { get, isAbort } from './api.js';
import { fill, h, said } from './dom.js';
import { age, count, dateTime, unixMs } from './format.js';
import { setPageKeys } from './keys.js';
import { onChange, throttled } from './live.js';
import { loading, message, sessionHref, tracesHref } from './parts.js';
import { move } from './session.js';

const REFRESH_MS = 1500;
const MOST = 200;

export function openSessions(root) {
  document.title = 'Sessions · rum-trace';
  const abort = new AbortController();
  let shown = false;
  fill(root, loading());
  const refreshSoon = throttled(load, () => REFRESH_MS);
  const stop = onChange(() => refreshSoon());
  setPageKeys(
    new Map([
      ['j', () => move(root, 1)],
      ['ArrowDown', () => move(root, 1)],
      ['k', () => move(root, -1)],
      ['ArrowUp', () => move(root, -1)],
    ]),
    [],
  );
  load();

  return {
    close() {
      stop();
      refreshSoon.stop();
      abort.abort();
    },
  };

  async function load() {
    try {
      const { sessions } = await get('sessions', { limit: MOST }, abort.signal);
      show(sessions);
      shown = true;
    } catch (error) {
      if (isAbort(error) || (error.status === 0 && shown)) return;
      fill(root, message('The sessions cannot be listed', h('p', {}, error.message)));
    }
  }

  function show(sessions) {
    const focused = document.activeElement?.dataset?.key;
    fill(root, h('header.page-head', {}, h('h1', {}, 'Sessions'), h('span.quiet', {}, 'newest first')), sessions.length > 0 ? list(sessions) : none());
    if (focused) [...root.querySelectorAll('[data-key]')].find((each) => each.dataset.key === focused)?.focus({ preventScroll: true });
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
    {},
    h('td.as-text', {}, h('a', { href: sessionHref(id, app), data: { key: `${app}/${id}` } }, h('span.mono', {}, said(id, 60)))),
    h('td.as-text', {}, type && [h('span.tag', {}, said(type, 30)), ' '], app && h('a', { href: tracesHref({ app }) }, said(app, 60))),
    h('td.as-text', {}, user && h('a', { href: tracesHref({ user }) }, said(user, 60))),
    h('td', {}, count(requests)),
    h('td', { class: errors > 0 ? 'error-text' : null }, count(errors)),
    h('td', { title: dateTime(last) }, age(Date.now() - last)),
  );
}
