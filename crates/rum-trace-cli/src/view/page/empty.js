// What stands where there is nothing yet.

import { get } from './api.js';
import { fill, h } from './dom.js';
import { lineToCopy, message } from './parts.js';

const DEFAULTS = { grpc: '127.0.0.1:4317', http: '127.0.0.1:4318' };

/** Tells how the first span gets here; the addresses are those of this very process. */
export async function emptyStore(place) {
  fill(place, view(DEFAULTS));
  const status = await get('status').catch(() => null);
  if (status) fill(place, view(status.receivers ?? {}));
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
      h('div.lines', {}, lineToCopy(`OTEL_EXPORTER_OTLP_ENDPOINT=http://${http}`), lineToCopy('OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf')),
    ],
    grpc && [
      h('h2', {}, 'Over gRPC'),
      h('div.lines', {}, lineToCopy(`OTEL_EXPORTER_OTLP_ENDPOINT=http://${grpc}`), lineToCopy('OTEL_EXPORTER_OTLP_PROTOCOL=grpc')),
    ],
    h('h2', {}, 'Or see it with phones and services that are brought along'),
    h('div.lines', {}, lineToCopy('rum-trace demo')),
  );
}
