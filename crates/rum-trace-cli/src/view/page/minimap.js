// The whole trace as a strip: a line a span. Dragging in it zooms the waterfall.

import { h } from './dom.js';
import { dragRange } from './drag.js';
import { place } from './rows.js';
import { colourClass } from './services.js';
import { onTheme } from './theme.js';

export function minimap({ onZoom, onReset }) {
  let rows = [];
  let services = [];
  let whole = { from: 0, to: 1 };
  const canvas = h('canvas.map-canvas');
  const before = h('span.map-shade.map-before');
  const after = h('span.map-shade.map-after');
  const brush = h('span.map-brush', { hidden: true });
  const element = h('div.map', { 'aria-hidden': 'true', title: 'Drag to zoom, double click for the whole trace' }, canvas, before, after, brush);
  const stop = onTheme(draw);

  dragRange(element, {
    brush,
    onRange(a, b) {
      const width = whole.to - whole.from;
      onZoom(whole.from + a * width, whole.from + b * width);
    },
  });
  element.addEventListener('dblclick', onReset);

  return { element, load, draw, window: showWindow, close: stop };

  function load(newRows, newServices, extent) {
    rows = newRows;
    services = newServices;
    whole = extent;
    draw();
  }

  function draw() {
    const { clientWidth: width, clientHeight: height } = element;
    const pen = canvas.getContext('2d');
    if (width === 0 || !pen) return;
    const scale = Math.min(devicePixelRatio || 1, 2);
    canvas.width = width * scale;
    canvas.height = height * scale;
    pen.scale(scale, scale);
    const colours = coloursOf();
    const each = Math.min((height - 6) / Math.max(rows.length, 1), 6);
    const thick = Math.max(each * 0.7, 1);
    rows.forEach((row, index) => {
      const { left, right } = place(row.start_ns, row.duration_ns, whole);
      pen.fillStyle = row.status === 'error' ? colours.error : row.kind === 'tap' ? colours.tap : (colours.services[row.service] ?? colours.none);
      pen.fillRect(left * width, 3 + index * each, Math.max((right - left) * width, 1), thick);
    });
  }

  /** A canvas knows no custom properties: an element says what they are now. */
  function coloursOf() {
    const probe = h('span.map-probe');
    element.append(probe);
    const read = (name) => {
      probe.className = `map-probe ${name}`;
      return getComputedStyle(probe).color;
    };
    const colours = { services: services.map((name) => read(colourClass(name))), none: read('c-none'), tap: read('c-tap'), error: read('is-error') };
    probe.remove();
    return colours;
  }

  function showWindow(view) {
    const { left, right } = place(view.from, view.to - view.from, whole);
    element.style.setProperty('--from', String(left));
    element.style.setProperty('--to', String(right));
    element.classList.toggle('is-zoomed', left > 0 || right < 1);
  }
}
