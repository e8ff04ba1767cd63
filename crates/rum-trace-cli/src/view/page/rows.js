// The rows of a trace as numbers: what is seen, where, and how long. Nothing here
// touches the page. Rows come depth first, so a subtree is a run of deeper rows.

/**
 * Gives each row a key of its own: the span's id, and if another row has it, too, with the
 * place of its service. Two halves of a call may have one id.
 */
export function keyed(rows) {
  const known = new Set();
  return rows.map((row) => {
    const key = known.has(row.span_id) ? `${row.span_id}:${row.service}` : row.span_id;
    known.add(key);
    return { ...row, key };
  });
}

/** From the first start to the last end; never empty, so that it can be divided by. */
export function extent(rows) {
  let from = Infinity;
  let to = -Infinity;
  for (const { start_ns: start, duration_ns: duration } of rows) {
    from = Math.min(from, start);
    to = Math.max(to, start + duration);
  }
  if (!(to >= from)) return { from: 0, to: 1 };
  return to > from ? { from, to } : { from, to: from + 1 };
}

/** The indices of the rows that no collapsed one hides. */
export function seen(rows, collapsed) {
  const indices = [];
  let hiddenBelow = Infinity;
  rows.forEach((row, index) => {
    if (row.depth > hiddenBelow) return;
    hiddenBelow = collapsed.has(row.key) ? row.depth : Infinity;
    indices.push(index);
  });
  return indices;
}

/** One past the last row of the subtree of `index`. */
export function subtreeEnd(rows, index) {
  let end = index + 1;
  while (end < rows.length && rows[end].depth > rows[index].depth) end += 1;
  return end;
}

/** The row above that `index` hangs under, or -1. */
export function parentOf(rows, index) {
  let at = index - 1;
  while (at >= 0 && rows[at].depth >= rows[index].depth) at -= 1;
  return at;
}

/** Left and right of a time range within a view, as shares of it; clipped. */
export function place(start, duration, view) {
  const width = view.to - view.from;
  const share = (time) => Math.min(Math.max((time - view.from) / width, 0), 1);
  const left = share(start);
  return {
    left,
    right: share(start + duration),
    before: start + duration < view.from,
    after: start > view.to,
  };
}

/** The time of `index` that none of its children covers. */
export function selfTime(rows, index) {
  const { start_ns: start, duration_ns: duration, depth } = rows[index];
  const end = start + duration;
  const children = [];
  for (let at = index + 1; at < subtreeEnd(rows, index); at += 1) {
    if (rows[at].depth === depth + 1) children.push(rows[at]);
  }
  children.sort((a, b) => a.start_ns - b.start_ns);
  let covered = 0;
  let until = start;
  for (const child of children) {
    const from = Math.max(child.start_ns, until);
    const to = Math.min(child.start_ns + child.duration_ns, end);
    if (to > from) covered += to - from;
    until = Math.max(until, to);
  }
  return duration - covered;
}

/** The indices of the rows with this text in a name, service, kind, id or status. */
export function matching(rows, services, text) {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return [];
  const has = (value) => value !== null && value !== undefined && String(value).toLowerCase().includes(wanted);
  const indices = [];
  rows.forEach((row, index) => {
    const texts = [row.name, services[row.service], row.kind, row.span_id, row.http_status, row.status, ...row.marks];
    if (texts.some(has)) indices.push(index);
  });
  return indices;
}

/** Zoomed by `factor` around the time `at`, and never out of the whole. */
export function zoomed(view, whole, factor, at) {
  const least = Math.max((whole.to - whole.from) / 1e7, 1);
  const width = Math.min(Math.max((view.to - view.from) * factor, least), whole.to - whole.from);
  const share = (at - view.from) / (view.to - view.from);
  return within({ from: at - width * share, to: at + width * (1 - share) }, whole);
}

/** Moved into the whole, as wide as it is. */
export function within(view, whole) {
  const width = Math.min(view.to - view.from, whole.to - whole.from);
  const from = Math.min(Math.max(view.from, whole.from), whole.to - width);
  return { from, to: from + width };
}
