// A colour a service: the same on every page, in every tab and after a reload.

const COLOURS = 8;
/** Beyond these a name has the colour of its hash, which others may have too. */
const MOST = 64;
const LONGEST = 120;
const KEY = 'rum-trace.services';
let taken = remembered();

// Another tab has met a new service.
addEventListener('storage', (event) => {
  if (event.key === KEY) taken = remembered();
});

/** A class of colours.css. */
export function colourClass(service) {
  return service === null || service === undefined ? 'c-none' : `c-${colourOf(String(service))}`;
}

function colourOf(service) {
  const known = taken.get(service);
  if (known !== undefined) return known;
  // Another tab may know it, and must not lose what it knows.
  taken = new Map([...taken, ...remembered()]);
  if (taken.has(service)) return taken.get(service);
  const colour = free(hash(service) % COLOURS);
  if (taken.size < MOST && service.length <= LONGEST) {
    taken.set(service, colour);
    remember();
  }
  return colour;
}

/** From the wished one on the first that fewest services have. */
function free(wished) {
  const uses = new Array(COLOURS).fill(0);
  for (const colour of taken.values()) uses[colour] += 1;
  const fewest = Math.min(...uses);
  for (let step = 0; step < COLOURS; step += 1) {
    const colour = (wished + step) % COLOURS;
    if (uses[colour] === fewest) return colour;
  }
  return wished;
}

/** FNV-1a, over the first characters. */
function hash(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < Math.min(text.length, 256); at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return value;
}

/** Whatever stands there: another version may have written it. */
function remembered() {
  try {
    const pairs = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    const good = ([name, colour]) => typeof name === 'string' && Number.isInteger(colour) && colour >= 0 && colour < COLOURS;
    return new Map(pairs.filter(good).slice(0, MOST));
  } catch {
    return new Map();
  }
}

function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify([...taken]));
  } catch {
    // No storage: it holds until the page is left.
  }
}
