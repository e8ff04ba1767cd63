// What is pressed must be there until it is released: else nobody gets the click.

let pressed = false;
const waiting = new Map();

document.addEventListener('pointerdown', (event) => (pressed = event.button === 0), { capture: true });
// After a menu or a drag some browsers do not tell of the release.
for (const type of ['pointerup', 'pointercancel', 'contextmenu', 'dragend']) document.addEventListener(type, release, { capture: true });
addEventListener('blur', release);

/** Now, or once nothing is pressed any more; what is to be done for a key, the last one does. */
export function whenFree(key, work) {
  if (pressed) waiting.set(key, work);
  else {
    waiting.delete(key);
    work();
  }
}

/** The page that wanted it is left. */
export function forget(key) {
  waiting.delete(key);
}

function release() {
  pressed = false;
  // The click comes after this.
  setTimeout(() => {
    if (pressed) return;
    const works = [...waiting.values()];
    waiting.clear();
    for (const work of works) work();
  });
}
