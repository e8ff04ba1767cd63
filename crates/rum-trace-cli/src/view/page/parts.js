// Small pieces that several pages draw.

import { copyButton, h, said } from './dom.js';
import { clock, dateTime, duration, short, shortId, zoned } from './format.js';
import { href } from './router.js';
import { colourClass } from './services.js';

/** The HTTP status, or that there was an error without one. */
export function statusOf({ status, errors = 0 }) {
  const code = Number.isInteger(status) ? status : null;
  if (code === null) {
    return errors > 0 ? h('span.status.error', {}, 'error') : h('span.status.quiet', {}, '–');
  }
  return h(`span.status.${gradeOf(code)}`, {}, String(code));
}

function gradeOf(code) {
  if (code >= 500) return 'error';
  return code >= 400 ? 'warn' : 'good';
}

/**
 * `android.request:` is the product's word, and the host is the same for most: what tells
 * one from another is the path, and stays when there is no room for all.
 */
export function traceName(name, inferred) {
  const [, kind, rest] = inferred ? (/^([\w-]{1,24}\.request:)(.*)$/s.exec(name) ?? []) : [];
  if (kind === undefined) return h('span.name', {}, h('bdi.name-path', {}, short(name || '(no name)', 400)));
  const [, host, path] = /^(https?:\/\/[^/?#]{1,255})(\/.+)$/s.exec(rest) ?? [null, '', rest];
  return h('span.name', {}, h('bdi.name-kind', {}, kind, host), h('bdi.name-path', {}, short(path, 400)));
}

function serviceDot(service) {
  return h('span.dot', { class: colourClass(service), 'aria-hidden': 'true' });
}

export function serviceName(service) {
  return h('span.service', { title: service }, serviceDot(service), said(service, 120));
}

/** The first few by name, the others by their number. */
export function serviceList(services, most = 3) {
  const shown = services.slice(0, most).map(serviceName);
  const rest = services.slice(most);
  if (rest.length > 0) shown.push(h('span.quiet', { title: rest.slice(0, 20).join(', ') }, `+${rest.length}`));
  return h('span.services', {}, shown);
}

/** In a narrow place: a dot each, and the names below. */
export function serviceDots(services, most = 12) {
  const rest = services.length - most;
  return [
    h('span.dots', {}, services.slice(0, most).map(serviceDot), rest > 0 && h('span.quiet', {}, `+${rest}`)),
    h('span.below', { title: services.slice(0, 30).join(', ') }, h('span.cut', {}, services.slice(0, most).map((service, index) => [index > 0 && ', ', said(service, 60)]))),
  ];
}

export function findingsMark(number) {
  if (!number) return null;
  const text = number === 1 ? '1 finding' : `${number} findings`;
  return h('span.tag.warn', { title: `${text}: something of this trace is missing or odd` }, `△ ${number}`, h('span.sr-only', {}, ` ${text}`));
}

export function methodAndRoute({ method, route, path }) {
  const where = route ?? path;
  if (!method && !where) return null;
  return h('span.request', {}, method && h('span.method', {}, said(method, 20)), ' ', where && said(where, 200));
}

/** A bar that is as long as its share of `--most`, which an element above sets. */
export function durationBar(ns) {
  const value = Number.isFinite(ns) ? Math.max(ns, 0) : 0;
  return h(
    'span.took',
    {},
    h('span.number', {}, duration(ns)),
    h('span.took-track', { 'aria-hidden': 'true' }, h('span.took-bar', { vars: { '--ns': value } })),
  );
}

export function traceId(id) {
  return h('span.id', {}, h('span.mono', { title: id }, shortId(id, 32)), copyButton(id, 'the trace id'));
}

export const traceHref = (id, span = null) =>
  href('trace', id, span === null ? '' : new URLSearchParams({ span }).toString());
export const sessionHref = (id, app = null) =>
  href('session', id, app ? new URLSearchParams({ app }).toString() : '');
export const tracesHref = (filters) => href('traces', null, new URLSearchParams(filters).toString());

/** What is known of something, in its head. */
export function fact(key, value) {
  if (!value) return null;
  return h('span.fact', {}, h('span.fact-key', {}, key), value instanceof Node ? value : said(value, 200));
}

/** A point in time: the date where it is not today's; in full where one points at it. */
export function moment(ms) {
  const today = dateTime(Date.now()).slice(0, 10) === dateTime(ms).slice(0, 10);
  return h('time.number', { title: zoned(ms) }, today ? clock(ms) : dateTime(ms));
}

/** Where this address is, seen from here: who listens everywhere is at none of his own. */
export function endpoint(address) {
  const [, port] = /^(?:0\.0\.0\.0|\[::\]):(\d+)$/.exec(address) ?? [];
  return `http://${port === undefined ? address : `${location.hostname}:${port}`}`;
}

export function lineToCopy(text) {
  return h('div.line-to-copy', {}, h('code', {}, text), copyButton(text, 'this line'));
}

/** A page or a part of it that has nothing to show, and what to do. */
export function message(heading, ...children) {
  return h('section.message', {}, h('h1', {}, heading), children);
}

export const loading = () => h('p.loading', { role: 'status' }, 'Loading…');
