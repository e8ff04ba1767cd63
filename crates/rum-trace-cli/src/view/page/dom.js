// Elements by hand. Text goes in as text only, and with nothing in it that acts: names
// and values were sent by whoever could reach the receiver.

import { short, visible } from './format.js';
import { iconPath } from './icons.js';

const SVG = 'http://www.w3.org/2000/svg';
/** A tooltip is no place to read a novel in. */
const LONGEST_TITLE = 400;
/** What listeners do, by their element; see `renew`. */
const acts = new WeakMap();

/**
 * `h('a.link', {href, on: {click}}, 'text', child, null)`: the tag may carry classes.
 * `vars` are custom properties, `data` the data attributes. `what` tells of what listens in
 * what is drawn anew which span, say, it is for.
 */
export function h(tag, properties = {}, ...children) {
  return build((name) => document.createElement(name), tag, properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return build((name) => document.createElementNS(SVG, name), tag, properties, children);
}

/** Foreign text between ours: its direction ends where it ends. */
export function said(text, most = 2000) {
  return h('bdi', {}, short(text, most));
}

/** Puts these in the place of what was there. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter(isThere).map(node));
}

/** A picture of our own: not every machine has a letter for it. */
export function icon(name) {
  return svg('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: iconPath(name) }));
}

export function title(text) {
  return short(visible(text), LONGEST_TITLE);
}

/** Says it to those who listen instead of looking. */
export function announce(text) {
  const place = document.getElementById('say');
  if (place) place.textContent = visible(text);
}

/** What its listeners are for; undefined if there are none. */
export function whatFor(element) {
  return acts.get(element);
}

export function copyButton(text, what) {
  const button = h('button.copy', { what: text, type: 'button', 'aria-label': `Copy ${what}`, title: `Copy ${what}` }, icon('copy'));
  button.addEventListener('click', async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const done = await copy(text);
    button.replaceChildren(icon(done ? 'done' : 'failed'));
    announce(done ? `Copied ${what}` : `Could not copy ${what}`);
    setTimeout(() => button.replaceChildren(icon('copy')), 1200);
  });
  return button;
}

/** The clipboard is there for secure origins only: loopback is one, a LAN address not. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const area = h('textarea.sr-only', { 'aria-hidden': 'true' });
  const before = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  before?.focus();
  return done;
}

function build(create, tag, properties, children) {
  const [name, ...classes] = tag.split('.');
  const element = create(name);
  if (classes.length) element.classList.add(...classes);
  for (const [key, value] of Object.entries(properties)) set(element, key, value);
  for (const child of children.flat(Infinity)) if (isThere(child)) element.append(node(child));
  return element;
}

function set(element, key, value) {
  if (!isThere(value)) return;
  if (key === 'class') element.classList.add(...value.split(' ').filter(Boolean));
  else if (key === 'on') {
    if (!acts.has(element)) acts.set(element, '');
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  } else if (key === 'vars') {
    for (const [name, each] of Object.entries(value)) element.style.setProperty(name, String(each));
  } else if (key === 'data') {
    for (const [name, each] of Object.entries(value)) element.dataset[name] = each;
  } else if (key === 'what') acts.set(element, value);
  else if (key === 'title') element.setAttribute('title', title(value));
  else element.setAttribute(key, value === true ? '' : visible(value));
}

export function isThere(value) {
  return value !== null && value !== undefined && value !== false;
}

export function node(child) {
  return child instanceof Node ? child : document.createTextNode(visible(child));
}
