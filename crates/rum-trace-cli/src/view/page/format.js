// Numbers, times and foreign text as a person reads them. Nothing here touches the page.

const NBSP = '\u00a0';
const UNITS = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
];

/** A duration in nanoseconds: three digits at most, in the unit that fits. */
export function duration(ns) {
  if (!Number.isFinite(ns)) return '–';
  if (ns < 0) return `−${duration(-ns)}`;
  if (ns >= 60e9) return long(ns);
  // 999.6 µs is 1 ms, not 1000 µs.
  const [unit, size] = UNITS.find(([, each]) => ns >= each * 0.9995) ?? ['ns', 1];
  return `${threeDigits(ns / size)}${NBSP}${unit}`;
}

/** A pause or an age, as one says it: no more than two units. */
export function long(ns) {
  const seconds = Math.round(ns / 1e9);
  if (seconds < 60) return `${seconds}${NBSP}s`;
  const parts = [
    ['d', Math.floor(seconds / 86400)],
    ['h', Math.floor(seconds / 3600) % 24],
    ['min', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ];
  const first = parts.findIndex(([, count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count}${NBSP}${unit}`)
    .join(' ');
}

/** How long ago, roughly: an exact age would change all the time. */
export function age(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${Math.floor(seconds / 5) * 5}${NBSP}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${NBSP}min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}${NBSP}h`;
  return `${Math.floor(seconds / 86400)}${NBSP}d`;
}

/** Milliseconds since 1970 of a decimal text of nanoseconds; NaN if it is none. */
export function unixMs(nanoseconds) {
  if (!/^\d{1,20}$/.test(nanoseconds ?? '')) return NaN;
  return Number(BigInt(nanoseconds) / 1000n) / 1000;
}

/** The difference of two such texts, in nanoseconds. */
export function nsBetween(from, to) {
  if (![from, to].every((each) => /^\d{1,20}$/.test(each ?? ''))) return NaN;
  return Number(BigInt(to) - BigInt(from));
}

/** The time of day, to the millisecond. */
export function clock(milliseconds) {
  return inTime(milliseconds, (date) =>
    [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':').concat(
      '.',
      String(date.getMilliseconds()).padStart(3, '0'),
    ),
  );
}

/** Day and time of day, in this machine's zone. */
export function dateTime(milliseconds) {
  return inTime(milliseconds, (date) => {
    const day = [date.getFullYear(), ...[date.getMonth() + 1, date.getDate()].map(twoDigits)];
    return `${day.join('-')} ${clock(milliseconds)}`;
  });
}

/** The same, and how far this zone is from UTC. */
export function zoned(milliseconds) {
  return inTime(milliseconds, (date) => {
    const minutes = -date.getTimezoneOffset();
    const parts = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map(twoDigits);
    return `${dateTime(milliseconds)} ${minutes < 0 ? '−' : '+'}${parts.join(':')}`;
  });
}

export function count(number) {
  if (!Number.isFinite(number)) return '–';
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)}${NBSP}${number === 1 ? one : many}`;
}

export function bytes(number) {
  if (!Number.isFinite(number)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let rest = number;
  let unit = 0;
  while (rest >= 1023.5 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? rest : threeDigits(rest)}${NBSP}${units[unit]}`;
}

export function rate(perSecond) {
  if (!Number.isFinite(perSecond)) return '–';
  if (perSecond >= 1 || perSecond === 0) return `${threeDigits(perSecond)}/s`;
  if (perSecond * 60 >= 1) return `${threeDigits(perSecond * 60)}/min`;
  return `${threeDigits(perSecond * 3600)}/h`;
}

export function percent(share) {
  if (!Number.isFinite(share)) return '–';
  const hundredths = share * 100;
  if (hundredths > 0 && hundredths < 0.1) return `<0.1${NBSP}%`;
  const rounded = hundredths < 10 ? Math.round(hundredths * 10) / 10 : Math.round(hundredths);
  // Not all of them is not 100 %.
  return `${rounded === 100 && share < 1 ? 99 : rounded}${NBSP}%`;
}

/** The time of a tick: with as many digits as tell it from the next one. */
export function tick(ns, step) {
  if (ns === 0) return '0';
  if (ns < 0) return `−${tick(-ns, step)}`;
  // As one says it, where two units are enough for the step.
  const least = ns < 3600e9 ? 1e9 : ns < 86400e9 ? 60e9 : 3600e9;
  if (ns >= 60e9 && step % least === 0) return long(ns);
  const [unit, size] = UNITS.find(([, each]) => ns >= each * 0.9995) ?? ['ns', 1];
  const digits = Math.min(Math.max(Math.ceil(Math.log10(size / step) - 1e-9), 0), 9);
  return `${Number((ns / size).toFixed(digits))}${NBSP}${unit}`;
}

/** Round steps (1, 2, 5) from `from` to `to`, about as many as wanted. */
export function ticks(from, to, wanted) {
  const span = to - from;
  if (!(span > 0) || !(wanted >= 1)) return [];
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999);
  const found = [];
  // By a count, as steps too small for the numbers' precision would never end.
  for (let n = Math.ceil(from / step); n * step <= to && found.length <= wanted * 3; n += 1) {
    found.push(n * step);
  }
  return found;
}

const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;
const LESS_LINES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
// What turns the direction of the text around it, is invisible, or starts a new line.
const FORMATS = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Text with nothing in it that acts instead of being seen. */
export function visible(text) {
  return plain(text, CONTROLS);
}

/** The same, but lines and tabs stay: for a stack trace. */
export function visibleLines(text) {
  return plain(text, LESS_LINES);
}

/** No longer than `most` characters; not cut within a pair of surrogates. */
export function short(text, most) {
  const whole = String(text ?? '');
  if (whole.length <= most) return whole;
  const end = /[\ud800-\udbff]/.test(whole[most - 2] ?? '') ? most - 2 : most - 1;
  return `${whole.slice(0, end)}…`;
}

/** The start of an id, as much as tells it from others. */
export function shortId(id, most = 8) {
  return short(id, most + 1);
}

function plain(text, controls) {
  return String(text ?? '')
    .replace(controls, picture)
    .replace(FORMATS, named);
}

/** Unicode has pictures of the old control characters. */
function picture(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : named(character);
}

function named(character) {
  return `‹U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}›`;
}

function inTime(milliseconds, print) {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? '–' : print(date);
}

function threeDigits(number) {
  const digits = number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  return String(Number(number.toFixed(digits)));
}

function twoDigits(number) {
  return String(number).padStart(2, '0');
}
