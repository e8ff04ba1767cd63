// What is drawn anew changes only where it differs: the elements stay that one presses,
// selects, scrolls or has the focus in.

import { isThere, node, whatFor } from './dom.js';

/** As `fill`, with these in the place of what was there. `data-key` tells which is which. */
export function renew(parent, ...children) {
  const focused = document.activeElement;
  renewChildren(parent, children.flat(Infinity).filter(isThere).map(node));
  // What is moved loses it.
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

function renewChildren(parent, next) {
  const wanted = new Set(next.map(keyOf));
  const known = new Map();
  for (const child of [...parent.childNodes]) {
    const key = keyOf(child);
    if (key === null) continue;
    if (wanted.has(key)) known.set(key, child);
    else child.remove();
  }
  let at = parent.firstChild;
  for (const child of next) {
    const key = keyOf(child);
    const old = key === null ? (keyOf(at) === null ? at : null) : (known.get(key) ?? null);
    if (old === null || !isSame(old, child)) {
      parent.insertBefore(child, at);
      continue;
    }
    known.delete(key);
    if (old === at) at = at.nextSibling;
    else parent.insertBefore(old, at);
    renewOne(old, child);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/** What listens stays only if it does the same. */
function isSame(old, next) {
  return old.nodeName === next.nodeName && whatFor(old) === whatFor(next);
}

/** One in the place of another of its kind. */
export function renewOne(old, next) {
  if (!(old instanceof Element)) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) === value) continue;
    // A style as an attribute is what the policy forbids.
    if (name === 'style') old.style.cssText = next.style.cssText;
    else old.setAttribute(name, value);
  }
  // Such a button is drawn by its own listener.
  if (!whatFor(old)) renewChildren(old, [...next.childNodes]);
}

function keyOf(node) {
  return node?.dataset?.key ?? null;
}
