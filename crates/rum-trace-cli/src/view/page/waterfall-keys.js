// What the keyboard does in the waterfall.

/** `does`: what can be done; `isBody()`: whether the rows have the focus. */
export function waterfallKeys(does) {
  const { move, left, right, isBody, view } = does;
  return new Map([
    ['j', () => move(1)],
    ['ArrowDown', () => move(1)],
    ['k', () => move(-1)],
    ['ArrowUp', () => move(-1)],
    ['PageDown', () => isBody() && move(20)],
    ['PageUp', () => isBody() && move(-20)],
    ['Home', () => isBody() && move(-Infinity)],
    ['End', () => isBody() && move(Infinity)],
    ['h', left],
    ['ArrowLeft', left],
    ['l', right],
    ['ArrowRight', right],
    ['Enter', () => isBody() && does.choose()],
    ['z', does.zoomToSpan],
    ['0', view.reset],
    ['+', () => view.by(0.5)],
    ['-', () => view.by(2)],
    ['[', () => view.pan(-0.25)],
    [']', () => view.pan(0.25)],
    ['n', () => does.match(1)],
    ['N', () => does.match(-1)],
    ['e', () => does.error(1)],
    ['E', () => does.error(-1)],
    ['leave', does.focus],
    ['unzoom', () => !view.isWhole() && (view.reset(), true)],
    ['unsearch', does.unsearch],
  ]);
}

export const WATERFALL_HELP = [
  [['h', 'l'], 'Collapse, expand (arrows too)'],
  [['Enter'], 'Details of the span'],
  [['z'], 'Zoom to the span'],
  [['+', '-', '0'], 'Zoom in, out, whole trace'],
  [['[', ']'], 'Earlier, later'],
  [['n', 'N'], 'Next, previous match'],
  [['e', 'E'], 'Next, previous error'],
];
