// Addresses: `#/page/id?query`. Nothing but the address says what is shown.

let handler = () => {};

export function startRouter(onChange) {
  handler = onChange;
  addEventListener('popstate', changed);
  changed();
}

/** `{page, id, query}` of an address; of an unknown one, the first page. */
export function read(hash) {
  const [, path, query = ''] = /^#\/([^?]*)(?:\?(.*))?$/s.exec(hash) ?? [null, 'traces'];
  const slash = path.indexOf('/');
  const page = slash < 0 ? path : path.slice(0, slash);
  return { page, id: slash < 0 ? null : decoded(path.slice(slash + 1)), query };
}

export function href(page, id = null, query = '') {
  const path = id === null ? page : `${page}/${encodeURIComponent(id)}`;
  return `#/${path}${query ? `?${query}` : ''}`;
}

/**
 * Goes to an address of `href`. `replace` leaves no step for the back button; `silent` is for
 * what is shown already.
 */
export function go(address, { replace = false, silent = false } = {}) {
  if (address === location.hash) return;
  if (replace) history.replaceState(history.state, '', address);
  else history.pushState(null, '', address);
  if (!silent) handler(read(location.hash));
}

function changed() {
  handler(read(location.hash));
}

/** Whatever stands there: somebody may have typed it. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
