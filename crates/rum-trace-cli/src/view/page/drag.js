// A range that is dragged, along the axis or in the minimap.

/** A shorter drag is a click. */
const LEAST_PX = 5;

/** `onRange(from, to)`: as shares of `area`. `brush` shows it meanwhile. */
export function dragRange(element, { area = element, brush, onRange }) {
  let from = null;
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    from = event.clientX;
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener('pointermove', (event) => {
    if (from === null) return;
    const [a, b] = range(event);
    brush.hidden = b <= a;
    brush.style.setProperty('--from', String(a));
    brush.style.setProperty('--to', String(b));
  });
  element.addEventListener('pointerup', (event) => {
    const dragged = from !== null && Math.abs(event.clientX - from) >= LEAST_PX;
    const [a, b] = range(event);
    stop();
    if (dragged) onRange(a, b);
  });
  element.addEventListener('pointercancel', stop);

  function range(event) {
    return [from ?? event.clientX, event.clientX].map((x) => shareAt(area, x)).sort((x, y) => x - y);
  }

  function stop() {
    from = null;
    brush.hidden = true;
  }
}

/** How far along an element this is. */
export function shareAt(element, x) {
  const { left, width } = element.getBoundingClientRect();
  return Math.min(Math.max((x - left) / Math.max(width, 1), 0), 1);
}
