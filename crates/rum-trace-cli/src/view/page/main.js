// Puts the page of the address in its place.

import { announce, fill, h } from './dom.js';
import { setPageKeys, startKeys } from './keys.js';
import { onState, startLive } from './live.js';
import { startRouter } from './router.js';
import { openSession } from './session.js';
import { openSessions } from './sessions.js';
import { openStatus } from './status.js';
import { startTheme } from './theme.js';
import { openTopology } from './topology.js';
import { openTrace } from './trace.js';
import { openTraces } from './traces.js';

// Each opens in an element, and answers {update(place), close()}; both may be missing.
const pages = new Map([
  ['traces', openTraces],
  ['trace', openTrace],
  ['sessions', openSessions],
  ['session', openSession],
  ['topology', openTopology],
  ['status', openStatus],
]);
/** The tab of a page that has none of its own. */
const tabs = new Map([
  ['trace', 'traces'],
  ['session', 'sessions'],
]);

const main = document.getElementById('main');
let open = null;

startTheme(document.getElementById('theme'));
startKeys();
startRouter(show);
startLive();
onState(showState);
document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
document.addEventListener('click', toTop);

function show(place) {
  const key = `${place.page}/${place.id ?? ''}`;
  if (open?.key === key && open.update) return open.update(place);
  open?.close?.();
  setPageKeys(new Map(), []);
  markTab(tabs.get(place.page) ?? place.page);
  const root = h('div', { class: `page page-${pages.has(place.page) ? place.page : 'unknown'}` });
  fill(main, root);
  scrollTo(0, 0);
  const opener = pages.get(place.page) ?? openUnknown;
  const first = open === null;
  open = { key, ...opener(root, place) };
  if (!first) arrive();
}

/** For those who listen, and go on by keys: what was pressed is gone with its page. */
function arrive() {
  if (document.activeElement === document.body) main.focus({ preventScroll: true });
  announce(document.title.replace(/ · rum-trace$/, ''));
}

function openUnknown(root) {
  document.title = 'rum-trace';
  fill(
    root,
    h(
      'section.message',
      {},
      h('h1', {}, 'There is no such page'),
      h('p', {}, 'The address names none. ', h('a', { href: '#/traces' }, 'All traces')),
    ),
  );
}

function markTab(page) {
  for (const link of document.querySelectorAll('.tabs a')) {
    if (link.dataset.page === page) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

/** The link to the page that is open leads to its top. */
function toTop(event) {
  const link = event.target.closest?.('a[href]');
  if (link && link.getAttribute('href') === location.hash) scrollTo({ top: 0 });
}

function showState(state) {
  const banner = document.getElementById('banner');
  const live = document.getElementById('live');
  const was = live.dataset.state;
  live.dataset.state = state;
  live.className = `live is-${state}`;
  document.getElementById('live-text').textContent = state;
  banner.hidden = state !== 'lost';
  banner.textContent =
    state === 'lost'
      ? 'The connection to rum-trace view is lost. What is shown stays; trying again until it is back.'
      : '';
  if (was === 'lost' && state === 'live') announce('Connected again');
}
