// All that is known of one span.

import { ApiError, get, isAbort, paths } from './api.js';
import { copyButton, fill, h, said } from './dom.js';
import { duration, plural, short, shortId, unixMs } from './format.js';
import { loading, moment, serviceName, traceHref } from './parts.js';
import { renew } from './renew.js';
import { selfTime } from './rows.js';
import { attributeTable } from './attributes.js';

/** `onEvents([{at, name}])`: the chosen span's events, for the axis. */
export function spanDetails({ onClose, onSpan, onEvents }) {
  let now = null;
  let request = null;
  /** Of the sections that are drawn, as text. */
  let drawn = null;
  const head = h('div');
  const sections = h('div');
  const content = h('div.details-content', {}, head, sections);
  const closer = h('button.icon-button.details-close', { type: 'button', 'aria-label': 'Close the details', title: 'Close (Esc)', on: { click: onClose } }, '×');
  const element = h('aside.details.panel', { 'aria-label': 'Details of the span', hidden: true }, closer, content);

  return { element, show, refresh, close };

  function show(trace, row, detail) {
    if (now?.trace === trace && now.row.key === row.key && !element.hidden) {
      now = { trace, row, detail };
      return;
    }
    now = { trace, row, detail };
    drawn = null;
    element.hidden = false;
    element.scrollTop = 0;
    fill(head, heading(row, detail), loading());
    fill(sections);
    load();
  }

  /** The trace has grown. */
  function refresh(row, detail) {
    if (element.hidden || row === null) return;
    now = { ...now, row, detail };
    load();
  }

  function close() {
    request?.abort();
    now = null;
    element.hidden = true;
    fill(head);
    fill(sections);
  }

  async function load() {
    const { trace, row, detail } = now;
    request?.abort();
    request = new AbortController();
    try {
      // Two services may have given the same id.
      const service = detail.services[row.service];
      const span = await get(paths.span(trace, row.span_id), service === undefined ? null : { service }, request.signal);
      draw(span, row, detail);
    } catch (error) {
      if (isAbort(error)) return;
      if (!(error instanceof ApiError)) throw error;
      failed(error, row, detail);
    }
  }

  function draw(span, row, detail) {
    renew(head, heading(row, detail), summary(span, row, detail, onSpan));
    onEvents(span.events.map((event) => ({ at: row.start_ns + event.offset_ns, name: event.name })));
    // A span is what it is: what is filtered, folded or selected in it stays.
    const { attributes, events, links, trace_state: state, sw8, resource, scope, dropped, cut } = span;
    const text = JSON.stringify([attributes, events, links, state, sw8, resource, scope, dropped, cut]);
    if (text === drawn) return;
    drawn = text;
    fill(sections, sectionsOf(span));
  }

  function failed(error, row, detail) {
    // The banner says that the server is gone.
    if (error.status === 0 && drawn !== null) return;
    drawn = null;
    fill(head, heading(row, detail), h('p.details-part.error-text', {}, error.message));
    fill(sections);
  }
}

function heading(row, { services }) {
  const service = services[row.service] ?? null;
  return h(
    'header.details-head',
    {},
    h('p.details-over', {}, row.kind === 'tap' ? h('span.tag.tap', {}, 'the phone’s span, inferred') : h('span.tag', {}, row.kind), service !== null && serviceName(service)),
    h('h2', {}, said(row.name || '(no name)', 2000)),
  );
}

function summary(span, row, detail, onSpan) {
  const start = unixMs(span.start_unix_nano);
  return [
    row.kind === 'tap' &&
      h('p.details-part.inferred-note', {}, 'This span did not arrive: the phone’s SDK reports it to its own product, under this name. It is inferred from the headers that the phone sent.'),
    span.findings.length > 0 && h('ul.details-part.details-findings', {}, span.findings.map(({ text }) => h('li', {}, '△ ', said(text, 3000)))),
    h(
      'dl.details-part.pairs',
      {},
      pair('took', [h('strong.number', {}, duration(span.duration_ns)), row.children > 0 && h('span.quiet', {}, ` ${duration(selfTime(detail.rows, detail.rows.indexOf(row)))} by itself`)]),
      pair('started', [moment(start), h('span.quiet.number', {}, ` ${row.start_ns < 0 ? '' : '+'}${duration(row.start_ns)}`)]),
      pair('status', statusText(span.status)),
      pair('span', id(span.span_id, 'the span id')),
      pair('parent', parentLink(span, detail, onSpan)),
      pair('flags', flagsText(span.flags)),
    ),
  ];
}

function sectionsOf(span) {
  return [
    section('Attributes', span.attributes.length, attributeTable(span.attributes, { filter: true })),
    section('Events', span.events.length, h('ol.events', {}, span.events.map(eventItem))),
    section('Links', span.links.length, h('ol.links', {}, span.links.map(linkItem))),
    span.trace_state && section('Trace state', null, members(span.trace_state)),
    span.sw8 && section('Raw sw8 ids', null, attributeTable(plainAttributes(span.sw8))),
    section('Resource', span.resource.length, attributeTable(span.resource)),
    span.scope && section('Scope', null, [h('p.scope', {}, said(span.scope.name || '(no name)', 300), span.scope.version && h('span.quiet', {}, ' ', said(span.scope.version, 100))), span.scope.attributes.length > 0 && attributeTable(span.scope.attributes)]),
    droppedText(span.dropped, 'Dropped by the sender for its limits'),
    droppedText(span.cut, 'Left out here, since the span is very large'),
  ];
}

function section(heading, number, content) {
  if (number === 0) return null;
  return h('details.details-part', { open: true, data: { part: heading.toLowerCase() } }, h('summary', {}, heading, number !== null && h('span.quiet.number', {}, ` ${number}`)), content);
}

function pair(key, value) {
  return value === null || value === undefined ? null : [h('dt', {}, key), h('dd', {}, value)];
}

function id(value, what) {
  return h('span.id', {}, h('span.mono', {}, value), copyButton(value, what));
}

function statusText({ code, message }) {
  if (code !== 'error') return code;
  return [h('span.status.error', {}, 'error'), message && [' ', said(message, 4000)]];
}

function parentLink({ parent }, { rows }, onSpan) {
  if (parent === null) return 'none, it is a root';
  const known = rows.some((row) => row.span_id === parent);
  const shown = h('span.mono', {}, parent);
  if (!known) return [shown, h('span.quiet', {}, ' never came')];
  return h('button.plain', { type: 'button', what: parent, on: { click: () => onSpan(parent) } }, shown);
}

function flagsText(flags) {
  const words = [flags.sampled === null ? 'sampled or not is not told' : flags.sampled ? 'sampled' : 'not sampled', flags.random && 'random id'];
  if (flags.remote_parent !== null) words.push(flags.remote_parent ? 'remote parent' : 'local parent');
  return words.filter(Boolean).join(', ');
}

function eventItem(event) {
  return h(
    'li',
    {},
    h('p.event-name', {}, h('span.event-glyph', { 'aria-hidden': 'true' }), said(event.name || '(no name)', 300), h('span.quiet.number', {}, ` ${event.offset_ns < 0 ? '' : '+'}${duration(event.offset_ns)}`)),
    event.attributes.length > 0 && attributeTable(event.attributes),
  );
}

function linkItem(link) {
  const text = h('span.mono', {}, `${shortId(link.trace_id, 16)} / ${link.span_id}`);
  return h(
    'li',
    {},
    link.known ? h('a', { href: traceHref(link.trace_id, link.span_id), title: link.trace_id }, text, ' →') : h('span', { title: link.trace_id }, text, h('span.quiet', {}, ' not here')),
    copyButton(link.trace_id, 'the trace id of the link'),
    link.trace_state && members(link.trace_state),
    link.attributes.length > 0 && attributeTable(link.attributes),
  );
}

/** `a=1,b=2` as a list; a value that is no member is shown as it is. */
function members(list) {
  const each = short(list, 8192).split(',').map((member) => member.trim()).filter((member) => member !== '');
  return h(
    'table.attributes',
    { 'aria-label': 'Members' },
    h('tbody', {}, each.map((member) => {
      const at = member.indexOf('=');
      const [key, value] = at < 0 ? ['', member] : [member.slice(0, at), member.slice(at + 1)];
      return h('tr', {}, h('th', { scope: 'row' }, said(key, 300)), h('td', {}, said(value, 2000)), h('td.attribute-copy', {}, copyButton(member, 'the member')));
    })),
  );
}

function plainAttributes(object) {
  return Object.entries(object).map(([key, value]) => ({ key, type: 'string', value: value === null ? '–' : String(value) }));
}

function droppedText(dropped, why) {
  const words = Object.entries(dropped ?? {}).filter(([, number]) => number > 0).map(([what, number]) => plural(number, what.replace(/s$/, '')));
  return words.length > 0 && h('p.details-part.quiet', {}, `${why}: ${words.join(', ')}.`);
}
