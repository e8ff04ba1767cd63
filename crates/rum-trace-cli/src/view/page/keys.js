// The keyboard. A page brings its own keys; those for everywhere are here.

import { h } from './dom.js';
import { go, href } from './router.js';

const PLACES = [
  ['t', 'traces', 'Traces'],
  ['s', 'sessions', 'Sessions'],
  ['p', 'topology', 'Topology'],
  ['i', 'status', 'Status'],
];
const EVERYWHERE = [
  [['?'], 'This help'],
  [['/'], 'Search'],
  [['j', 'k'], 'Next, previous (arrows too)'],
  [['Enter'], 'Open'],
  [['Esc'], 'Close, clear, leave a field'],
  [['t'], 'Theme'],
];

let page = { keys: new Map(), help: [] };
/** `g` was the last key: the next one may name a place. */
let going = false;

/** `keys`: by `event.key`, what to do; true (or nothing) says that it is done. */
export function setPageKeys(keys, help) {
  page = { keys, help };
}

export function startKeys() {
  document.addEventListener('keydown', pressed);
  document.getElementById('help').addEventListener('click', showHelp);
}

/** `j`, `k` and the arrows go through links; `move(0)` to the one with the focus, or the first. */
export function linkKeys(links) {
  const move = (by) => {
    const all = links();
    const now = all.findIndex((link) => link.closest('tr, li').contains(document.activeElement));
    all[now < 0 ? 0 : Math.min(Math.max(now + by, 0), all.length - 1)]?.focus();
  };
  return [
    ['j', () => move(1)],
    ['ArrowDown', () => move(1)],
    ['k', () => move(-1)],
    ['ArrowUp', () => move(-1)],
    ['leave', () => move(0)],
  ];
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector('dialog[open]')) return;
  if (isField(event.target)) return inField(event);
  const act = chord(event.key) ?? page.keys.get(event.key) ?? everywhere(event.key);
  if (!act || act(event) === false) return;
  event.preventDefault();
}

function inField(event) {
  if (event.key !== 'Escape') return;
  event.target.blur();
  page.keys.get('leave')?.(event);
}

function chord(key) {
  const second = going;
  going = false;
  if (!second) return null;
  const place = PLACES.find(([letter]) => letter === key);
  return place ? () => go(href(place[1])) : null;
}

function everywhere(key) {
  if (key === 'g') return () => (going = true);
  if (key === '?') return showHelp;
  if (key === '/') return toSearch;
  if (key === 't') return () => document.getElementById('theme').click();
  return null;
}

function toSearch() {
  const field = document.querySelector('[data-search]');
  if (!field) return go(href('traces'));
  field.focus();
  field.select();
}

function isField(target) {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');
}

function showHelp() {
  const close = h('button.button', { type: 'button' }, 'Close');
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'help-title' },
    h('h1', { id: 'help-title' }, 'Keyboard'),
    h(
      'div.keys',
      {},
      group('Everywhere', EVERYWHERE),
      page.help.length > 0 && group('On this page', page.help),
      group('Go to', PLACES.map(([letter, , name]) => [['g', letter], name])),
    ),
    close,
  );
  const before = document.activeElement;
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    dialog.remove();
    before?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
}

function group(title, entries) {
  const lines = entries.map(([keys, text]) => [
    h('dt', {}, keys.map((key) => h('kbd', {}, key))),
    h('dd', {}, text),
  ]);
  return h('section', {}, h('h2', {}, title), h('dl', {}, lines));
}
