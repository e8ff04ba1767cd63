// What traces are searched by: the fields, the text that a person types, the address.
// Nothing here touches the page.

const field = (key, label, example, names = [], check = () => null) => ({
  key,
  label,
  example,
  names: [key, ...names],
  check,
});

/** In the order in which they stand in the form and in the address. */
export const FIELDS = [
  field('app', 'App id', 'shopapp@18ff4c0a0d8fd8d', ['app_id']),
  field('app_type', 'App type', 'android', ['type'], (value) =>
    value.length > 64 ? 'An app type is a short word, such as android.' : null,
  ),
  field('session', 'Session', 'session id', ['session_id']),
  field('user', 'User', 'user id', ['user_id']),
  field('trace_id', 'Trace id', '4 or more hex digits', ['trace', 'id'], (value) =>
    /^[0-9a-f]{4,32}$/i.test(value) ? null : 'A trace id is 4 to 32 hex digits.',
  ),
  field('route', 'Route or path', '/orders', ['path']),
  field('service', 'Service', 'shop', ['svc']),
  field('peer', 'Peer', 'db.example:5432', ['address']),
  field('status', 'Status', '500, 5xx, error', [], (value) =>
    /^([1-5]\d\d|[1-5]xx|error)$/i.test(value) ? null : 'A status is 500, 5xx or error.',
  ),
  field('min_ms', 'At least, ms', '250', ['min'], milliseconds),
  field('max_ms', 'At most, ms', '2000', ['max'], milliseconds),
  field('missing', 'Only with findings', 'true', [], (value) =>
    /^(true|yes|1)$/i.test(value) ? null : 'missing is true, or not there.',
  ),
];

export const FREE = 'q';
/** What the API takes at most, in bytes. */
const LONGEST = 1024;

const byKey = new Map(FIELDS.map((each) => [each.key, each]));
const byName = new Map(FIELDS.flatMap((each) => each.names.map((name) => [name, each])));

export function labelOf(key) {
  return byKey.get(key)?.label ?? 'Text';
}

/** The value as the API takes it, or what is wrong with it. */
export function checked(key, raw) {
  const value = raw.trim();
  if (isTooLong(value)) return { error: `No more than ${LONGEST} bytes can be searched for.` };
  const error = byKey.get(key)?.check(value) ?? null;
  if (error) return { error };
  if (key === 'missing') return { value: 'true' };
  if (key === 'trace_id' || key === 'status') return { value: value.toLowerCase() };
  return { value };
}

/**
 * Reads `service:shop status:5xx "two words"`: filters, the text that is left, and what
 * is wrong. A word with a colon that is no field of ours (an address, say) is text.
 */
export function parse(text) {
  const filters = new Map();
  const words = [];
  const errors = [];
  for (const { name, value, whole } of tokens(text)) {
    const found = name === null ? null : meaning(name.toLowerCase(), value);
    if (!found) words.push(whole);
    else if (found.error) errors.push(found.error);
    else for (const [key, each] of found) filters.set(key, each);
  }
  return { filters, text: words.join(' '), errors };
}

/** The filters of an address: known ones only, each once. */
export function fromAddress(search) {
  const filters = new Map();
  for (const [key, raw] of new URLSearchParams(search)) {
    if (raw.trim() === '' || filters.has(key)) continue;
    if (key !== FREE && !byKey.has(key)) continue;
    // One that is too long is refused by the API, in words; without it all would be shown.
    const { value } = isTooLong(raw) ? { value: raw } : checked(key, raw);
    if (value) filters.set(key, value);
  }
  return ordered(sane(filters, 'max_ms'));
}

function isTooLong(text) {
  return new TextEncoder().encode(text).length > LONGEST;
}

export function toAddress(filters) {
  return new URLSearchParams([...ordered(filters)]).toString();
}

/** With this one set, or taken away where the value is empty. */
export function changed(filters, key, value) {
  const next = new Map(filters);
  if (value) next.set(key, value);
  else next.delete(key);
  return ordered(sane(next, key === 'max_ms' ? 'min_ms' : 'max_ms'));
}

/** Of bounds that leave nothing between them one has to go. */
function sane(filters, weaker) {
  if (Number(filters.get('min_ms')) > Number(filters.get('max_ms'))) filters.delete(weaker);
  return filters;
}

function ordered(filters) {
  const keys = [...FIELDS.map((each) => each.key), FREE];
  return new Map(keys.filter((key) => filters.has(key)).map((key) => [key, filters.get(key)]));
}

/** `null` for a name that is none. */
function meaning(name, value) {
  if (name === 'is') return state(value.toLowerCase());
  if (name === 'duration') return range(value);
  const known = byName.get(name);
  if (!known || value === '') return null;
  const result = checked(known.key, byUnit(known.key, value));
  return result.error ? result : [[known.key, result.value]];
}

function state(value) {
  if (value === 'error') return [['status', 'error']];
  if (value === 'missing' || value === 'incomplete') return [['missing', 'true']];
  return { error: 'is:error and is:missing are known.' };
}

/** `>1s`, `<20ms`, `100ms..2s`. */
function range(value) {
  const wrong = { error: 'A duration is >250ms, <2s or 100ms..2s.' };
  const both = value.split('..');
  if (both.length === 2) {
    const [least, most] = both.map(toMilliseconds);
    return least === null || most === null ? wrong : [['min_ms', least], ['max_ms', most]];
  }
  const [, sign, rest] = /^([<>])=?(.*)$/.exec(value) ?? [];
  const bound = rest === undefined ? null : toMilliseconds(rest);
  return bound === null ? wrong : [[sign === '>' ? 'min_ms' : 'max_ms', bound]];
}

function byUnit(key, value) {
  return key === 'min_ms' || key === 'max_ms' ? (toMilliseconds(value) ?? value) : value;
}

function toMilliseconds(text) {
  const [, number, unit] = /^(\d{1,9}(?:\.\d{1,6})?)(µs|us|ms|s|)$/i.exec(text.trim()) ?? [];
  if (number === undefined) return null;
  const factor = { s: 1000, ms: 1, '': 1 }[unit.toLowerCase()] ?? 0.001;
  return String(Number((Number(number) * factor).toFixed(6)));
}

function milliseconds(value) {
  return /^\d{1,12}(\.\d{1,6})?$/.test(value) ? null : 'A duration is a number of milliseconds.';
}

function* tokens(text) {
  const pattern = /(?:([A-Za-z_]+):)?(?:"([^"]*)"|(\S+))/g;
  for (const [whole, name, quoted, bare] of text.matchAll(pattern)) {
    const value = quoted ?? bare;
    yield { name: name ?? null, value, whole: name === undefined ? value : whole };
  }
}
