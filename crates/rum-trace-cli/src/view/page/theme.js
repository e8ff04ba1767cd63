// Light, dark, or what the system has.

import { announce, icon } from './dom.js';

const KEY = 'rum-trace.theme';
const THEMES = ['system', 'light', 'dark'];
const listeners = new Set();

export function startTheme(button) {
  show(button);
  button.addEventListener('click', () => {
    choose(THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length]);
    show(button);
    announce(button.getAttribute('aria-label'));
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
}

/** Calls back when colours have changed; returns what ends this. */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function chosen() {
  return document.documentElement.dataset.theme ?? 'system';
}

function choose(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // No storage: it holds until the page is left.
  }
  tell();
}

function show(button) {
  const theme = chosen();
  button.replaceChildren(icon(theme));
  button.setAttribute('aria-label', `Theme: ${theme}`);
  button.title = `Theme: ${theme} (t)`;
}

function tell() {
  for (const listener of listeners) listener();
}
