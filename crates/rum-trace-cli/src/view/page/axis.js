// The time axis over the waterfall: ticks, the events of the chosen span, and a range that
// is dragged.

import { fill, h } from './dom.js';
import { dragRange, shareAt } from './drag.js';
import { duration, tick, ticks } from './format.js';
import { place } from './rows.js';

const TICK_PX = 110;
const MOST_EVENTS = 200;

/** `grid`: the ticks as lines, for the rows to lie over. */
export function timeAxis({ onZoom, onReset }) {
  let view = { from: 0, to: 1 };
  let times = [];
  const axis = h('div.axis', { 'aria-hidden': 'true' });
  const brush = h('div.brush', { hidden: true });
  const events = h('div.axis-events', { 'aria-hidden': 'true' });
  const grid = h('div.grid', { role: 'presentation' });
  const element = h(
    'div.axis-area',
    { title: 'Drag to zoom into a range', on: { dblclick: onReset } },
    axis,
    events,
    brush,
  );
  dragRange(element, { area: axis, brush, onRange: (a, b) => onZoom(...[a, b].map(timeOf)) });
  return { element, grid, draw, timeAt, markTimes };

  function draw(next) {
    view = next;
    const width = axis.clientWidth;
    if (width === 0) return;
    const marks = ticks(view.from, view.to, Math.max(Math.floor(width / TICK_PX), 2));
    const share = (time) => (time - view.from) / (view.to - view.from);
    fill(axis, marks.map((time) => h('span.tick', { class: share(time) > 0.94 ? 'is-last' : null, vars: { '--x': share(time) } }, tick(time, marks[1] - marks[0]))));
    fill(grid, marks.map((time) => h('span.grid-line', { vars: { '--x': share(time) } })));
    drawEvents();
  }

  /** `[{at, name}]`; they move with the view. */
  function markTimes(next) {
    times = next;
    drawEvents();
  }

  function drawEvents() {
    const seen = times.slice(0, MOST_EVENTS).map((time) => ({ ...time, ...place(time.at, 0, view) }));
    fill(events, seen.filter(({ before, after }) => !before && !after).map(({ at, name, left }) => h('span.event-mark', { title: `${name} at ${duration(at)}`, vars: { '--x': left } })));
  }

  function timeAt(x) {
    return timeOf(shareAt(axis, x));
  }

  function timeOf(share) {
    return view.from + share * (view.to - view.from);
  }
}
