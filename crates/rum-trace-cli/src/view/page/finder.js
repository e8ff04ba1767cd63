// The search box, its chips and the form of all filters.

import { announce, fill, h, said } from './dom.js';
import { sessionHref } from './parts.js';
import { changed, checked, FIELDS, FREE, labelOf, parse } from './query.js';

const TYPING_MS = 250;

/** `onFilters(filters, {replace})`: nothing is searched here. */
export function finder({ onFilters, onPause }) {
  let filters = new Map();
  let typing = 0;
  const input = h('input.field', {
    type: 'search',
    id: 'search',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'Search: text, or service:shop status:5xx duration:>250ms user:…',
    'aria-label': 'Search traces by text or key:value',
    'aria-describedby': 'search-error',
    data: { search: '' },
    on: { input: typed },
  });
  const form = h('form.search', { role: 'search', on: { submit: submitted } }, input);
  const error = h('p.search-error', { id: 'search-error', role: 'alert' });
  const errorsOnly = toggle('Errors', () => flip('status', 'error'));
  const findingsOnly = toggle('Findings', () => flip('missing', 'true'));
  const all = h('button.button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': 'all-filters', on: { click: toggleFields } }, 'All filters');
  const pause = toggle('Pause', togglePause);
  const found = h('span.found.quiet.number');
  const fields = h('form.fields', { id: 'all-filters', hidden: true, on: { submit: (event) => event.preventDefault() } }, FIELDS.map(inputOf));
  const chips = h('div.chips', { hidden: true, role: 'group', 'aria-label': 'Filters in force' });
  const element = h('section.finder', {}, h('div.finder-line', {}, form, errorsOnly, findingsOnly, all, pause, found), error, fields, chips);

  return { element, show, set: (key, value) => to(changed(filters, key, value)), clear: () => to(new Map()), count, togglePause, toggleFields, close: () => clearTimeout(typing) };

  function show(next) {
    const before = filters;
    filters = next;
    // What somebody is typing stays, unless the address has changed under it.
    const moved = (key) => (before.get(key) ?? '') !== (next.get(key) ?? '');
    const text = filters.get(FREE) ?? '';
    if (input.value.trim() !== text && (moved(FREE) || document.activeElement !== input)) input.value = text;
    error.textContent = '';
    input.removeAttribute('aria-invalid');
    press(errorsOnly, filters.get('status') === 'error');
    press(findingsOnly, filters.has('missing'));
    for (const { key } of FIELDS) showField(fields.elements[key], filters.get(key) ?? '', moved(key));
    showChips();
  }

  function showChips() {
    const session = filters.get('session');
    chips.hidden = filters.size === 0;
    fill(
      chips,
      [...filters].map(([key, value]) => chip(key, value)),
      session && h('a.tag', { href: sessionHref(session, filters.get('app')) }, 'Show as a session →'),
      filters.size > 1 && h('button.plain', { type: 'button', on: { click: () => to(new Map()) } }, 'Clear all'),
    );
  }

  function chip(key, value) {
    const remove = () => {
      if (key === FREE) input.value = '';
      to(changed(filters, key, ''));
    };
    return h('button.chip', { type: 'button', title: 'Take this filter away', on: { click: remove } }, h('span.chip-key', {}, labelOf(key)), key !== 'missing' && said(value, 80), h('span', { 'aria-hidden': 'true' }, '×'), h('span.sr-only', {}, ', remove'));
  }

  /** Plain words search as they are typed; `key:value` waits for its end. */
  function typed() {
    clearTimeout(typing);
    if (input.value.includes(':')) return;
    typing = setTimeout(() => to(changed(filters, FREE, input.value.trim()), { replace: true }), TYPING_MS);
  }

  function submitted(event) {
    event.preventDefault();
    clearTimeout(typing);
    const { filters: read, text, errors } = parse(input.value);
    if (errors.length > 0) return refuse(errors[0]);
    const next = changed(new Map([...filters, ...read]), FREE, text);
    input.value = text;
    to(next);
  }

  function refuse(reason) {
    error.textContent = reason;
    input.setAttribute('aria-invalid', 'true');
  }

  function to(next, options) {
    onFilters(next, options);
  }

  function flip(key, value) {
    to(changed(filters, key, filters.get(key) === value ? '' : value));
  }

  function togglePause() {
    const on = pause.getAttribute('aria-pressed') !== 'true';
    press(pause, on);
    pause.textContent = on ? 'Paused' : 'Pause';
    announce(on ? 'Paused: new traces wait' : 'Going on');
    onPause(on);
  }

  function toggleFields() {
    fields.hidden = !fields.hidden;
    all.setAttribute('aria-expanded', String(!fields.hidden));
    if (!fields.hidden) fields.elements[0].focus();
  }

  function inputOf({ key, label, example }) {
    const id = `filter-${key}`;
    const properties = { id, name: key, placeholder: example, autocomplete: 'off', spellcheck: 'false' };
    const box = key === 'missing' ? h('input', { id, name: key, type: 'checkbox' }) : h('input.field', properties);
    box.addEventListener('change', () => takeField(key, box));
    return h('div', { class: `form-field form-${key}` }, h('label', { for: id }, label), box);
  }

  function takeField(key, box) {
    const raw = box.type === 'checkbox' ? (box.checked ? 'true' : '') : box.value;
    const { value = '', error: wrong } = raw.trim() === '' ? {} : checked(key, raw);
    box.setAttribute('aria-invalid', String(Boolean(wrong)));
    error.textContent = wrong ?? '';
    if (!wrong) to(changed(filters, key, value));
  }

  function count(number, more) {
    found.textContent = number === 0 ? '' : `${number}${more ? '+' : ''} shown`;
  }
}

function showField(box, value, moved) {
  if (box.type === 'checkbox') box.checked = value !== '';
  else if (moved || document.activeElement !== box) box.value = value;
  box.removeAttribute('aria-invalid');
}

function toggle(text, act) {
  return h('button.button', { type: 'button', 'aria-pressed': 'false', on: { click: act } }, text);
}

function press(button, on) {
  button.setAttribute('aria-pressed', String(on));
}
