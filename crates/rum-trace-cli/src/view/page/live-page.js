// A page that shows one answer of the API, and asks for it again when something has changed.

import { ApiError, isAbort } from './api.js';
import { fill } from './dom.js';
import { onChange, throttled } from './live.js';
import { loading } from './parts.js';
import { forget, whenFree } from './press.js';

/**
 * `ask(signal)`: for the answer; `show(answer)`: draws it; `wants(data)`: whether an event is
 * about it; `failed(error, shown)`: says so, and whether what is shown is gone by that;
 * `everyMs(tookMs)`: no oftener than that; it has taken so long to ask and to draw.
 */
export function livePage(root, { ask, show, failed, everyMs, wants = () => true }) {
  const abort = new AbortController();
  const me = Symbol('page');
  let shown = false;
  let asked = 0;
  let newest = 0;
  let tookMs = 0;
  const soon = throttled(load, () => everyMs(tookMs));
  const stop = onChange((data) => {
    if (data === null || wants(data)) soon();
  });
  fill(root, loading());
  soon();
  return { again: soon, signal: abort.signal, close };

  function close() {
    stop();
    soon.stop();
    forget(me);
    abort.abort();
  }

  async function load() {
    const started = performance.now();
    asked += 1;
    const number = asked;
    const outcome = await answered();
    const waited = performance.now() - started;
    // Of two that were asked for the later one counts, whichever comes first.
    if (outcome === null || number < newest || abort.signal.aborted) return;
    newest = number;
    whenFree(me, () => {
      const drawing = performance.now();
      take(outcome);
      tookMs = waited + performance.now() - drawing;
    });
  }

  async function answered() {
    try {
      return { answer: await ask(abort.signal) };
    } catch (error) {
      if (isAbort(error)) return null;
      if (!(error instanceof ApiError)) throw error;
      return { error };
    }
  }

  function take({ answer, error }) {
    if (!error) {
      show(answer);
      shown = true;
    } else if (error.status !== 0 || !shown) {
      // The banner says that the server is gone; what is shown stays.
      shown = !failed(error, shown) && shown;
    }
  }
}
