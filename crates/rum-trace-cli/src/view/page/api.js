// The viewer's own API.

const BASE = '/api/v1';

/** An answer that is no success; `status` 0 if there was no answer. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const isAbort = (error) => error?.name === 'AbortError';

export async function get(path, params = null, signal = undefined) {
  const query = params === null ? '' : new URLSearchParams(params).toString();
  const response = await answered(`${BASE}/${path}${query ? `?${query}` : ''}`, signal);
  if (response.ok) return bodyOf(response);
  const body = await response.json().catch(() => null);
  const { code = 'failed', message = `The viewer answered ${response.status}.` } = body?.error ?? {};
  throw new ApiError(response.status, String(code), String(message));
}

export const paths = {
  trace: (id) => `traces/${encodeURIComponent(id)}`,
  span: (trace, span) => `traces/${encodeURIComponent(trace)}/spans/${encodeURIComponent(span)}`,
  session: (id) => `sessions/${encodeURIComponent(id)}`,
};

async function answered(url, signal) {
  try {
    return await fetch(url, { signal, headers: { accept: 'application/json' } });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw unreachable();
  }
}

/** It may go while it answers. */
async function bodyOf(response) {
  try {
    return await response.json();
  } catch (error) {
    if (isAbort(error) || error instanceof SyntaxError) throw error;
    throw unreachable();
  }
}

function unreachable() {
  return new ApiError(0, 'unreachable', 'The viewer does not answer.');
}
