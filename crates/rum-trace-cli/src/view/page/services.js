// A colour a service, the same on every page.

const COLOURS = 8;
/** Beyond these a name has the colour of its hash, which others may have too. */
const MOST = 1000;
const taken = new Map();

/** A class of colours.css. */
export function colourClass(service) {
  return service === null || service === undefined ? 'c-none' : `c-${colourOf(String(service))}`;
}

export function colourOf(service) {
  const known = taken.get(service);
  if (known !== undefined) return known;
  const colour = free(hash(service) % COLOURS);
  if (taken.size < MOST) taken.set(service, colour);
  return colour;
}

/** From the wished one on the first that no service has, if there is any. */
function free(wished) {
  const used = new Set(taken.values());
  for (let step = 0; step < COLOURS; step += 1) {
    const colour = (wished + step) % COLOURS;
    if (!used.has(colour)) return colour;
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
