// What stands where there is nothing yet.

import { ApiError, get } from './api.js';
import { fill, h } from './dom.js';
import { endpoint, lineToCopy, message } from './parts.js';

const DEFAULTS = { grpc: '127.0.0.1:4317', http: '127.0.0.1:4318' };

/** Tells how the first span gets here; the addresses are those of this very process. */
export function emptyStore() {
  const place = h('div', {}, view(DEFAULTS));
  told(place);
  return place;
}

async function told(place) {
  try {
    const { receivers } = await get('status');
    fill(place, view(receivers));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

export function nothingFound(search) {
  const clear = h('button.button', { type: 'button', on: { click: search.clear } }, 'Clear the filters');
  return message(
    'No trace matches',
    h('p', {}, 'All of the filters must hold. New traces that match appear here by themselves.'),
    h('p', {}, clear),
  );
}

function view({ grpc, http }) {
  return message(
    'Waiting for the first span',
    h('p', {}, 'Nothing has arrived yet. Send OTLP to this process, and each trace appears here by itself.'),
    http && [
      h('h2', {}, 'Over HTTP, protobuf or JSON'),
      h('div.lines', {}, lineToCopy(`OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint(http)}`), lineToCopy('OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf')),
    ],
    grpc && [
      h('h2', {}, 'Over gRPC'),
      h('div.lines', {}, lineToCopy(`OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint(grpc)}`), lineToCopy('OTEL_EXPORTER_OTLP_PROTOCOL=grpc')),
    ],
    h('h2', {}, 'Or see it with phones and services that are brought along'),
    h('div.lines', {}, lineToCopy('rum-trace demo')),
  );
}
