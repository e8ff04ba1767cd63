// Attributes as a table.

import { copyButton, h, said } from './dom.js';
import { plural, short, visibleLines } from './format.js';

const FILTER_FROM = 8;
const LONGEST = 1000;
const DEEPEST = 12;

export function attributeTable(attributes, { filter = false } = {}) {
  const body = h('tbody', {}, attributes.map(line));
  const table = h('table.attributes', { 'aria-label': 'Attributes' }, body);
  if (!filter || attributes.length < FILTER_FROM) return table;
  const input = h('input.field.attribute-filter', { type: 'search', placeholder: `Filter ${plural(attributes.length, 'attribute')}`, 'aria-label': 'Filter the attributes', autocomplete: 'off', spellcheck: 'false' });
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    attributes.forEach((each, index) => {
      const text = `${each.key} ${plainText(each)}`.toLowerCase();
      body.rows[index].hidden = wanted !== '' && !text.includes(wanted);
    });
  });
  return h('div', {}, input, table);
}

function line(attribute) {
  const text = plainText(attribute);
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, said(attribute.key || '(no key)', 300)),
    h('td', { class: `value-${attribute.type}` }, value(text, attribute.type)),
    h('td.attribute-copy', {}, copyButton(text, 'the value')),
  );
}

/** A long one is cut until somebody asks for all of it. */
function value(text, type) {
  const place = h('bdi.value', { title: type === 'string' ? null : type });
  const show = (shown) => (place.textContent = visibleLines(shown));
  show(short(text, LONGEST));
  if (text.length <= LONGEST) return place;
  const more = h('button.plain', { type: 'button' }, `Show all ${plural(text.length, 'character')}`);
  more.addEventListener('click', () => {
    show(text);
    more.remove();
  });
  return [place, ' ', more];
}

/** What is copied, and what is searched. */
function plainText({ type, value: raw }, depth = 0) {
  if (raw === null || raw === undefined) return type === 'empty' ? '(empty)' : '–';
  if (depth > DEEPEST) return '…';
  if (type === 'array' && Array.isArray(raw)) return `[${raw.map((each) => plainText(each, depth + 1)).join(', ')}]`;
  if (type === 'map') return `{${pairs(raw).map(([key, each]) => `${key}: ${plainText(each, depth + 1)}`).join(', ')}}`;
  return String(raw);
}

/** A map is a list of attributes, or an object of values. */
function pairs(raw) {
  return Array.isArray(raw) ? raw.map((each) => [each.key, each]) : Object.entries(raw);
}

