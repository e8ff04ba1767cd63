// OTLP as JSON, by hand: what a service would send.

import { randomBytes } from 'node:crypto';

export const KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
/** The parent's flags are known; it is remote, or it is not. */
export const FLAGS = { sampled: 0x101, unsampled: 0x100, remote: 0x301 };

export const newTraceId = () => randomBytes(16).toString('hex');
export const newSpanId = () => randomBytes(8).toString('hex');

/** A value of JavaScript as an attribute's value. */
export function value(of) {
  if (typeof of === 'string') return { stringValue: of };
  if (typeof of === 'boolean') return { boolValue: of };
  if (Number.isInteger(of)) return { intValue: String(of) };
  if (typeof of === 'number') return { doubleValue: of };
  if (of instanceof Uint8Array) return { bytesValue: Buffer.from(of).toString('base64') };
  if (Array.isArray(of)) return { arrayValue: { values: of.map(value) } };
  return { kvlistValue: { values: attributes(of) } };
}

/** An object, or a list of pairs where a key may be anything. */
export function attributes(of = {}) {
  const pairs = Array.isArray(of) ? of : Object.entries(of);
  return pairs.map(([key, each]) => ({ key, value: value(each) }));
}

/** `at` and `took` in milliseconds, `at` since the start of the trace. */
export function span({ trace, id = newSpanId(), parent = '', name, kind = 'internal', at = 0, took = 1, base, attrs, events = [], links = [], error, traceState, flags = FLAGS.sampled }) {
  const nano = (ms) => (base + BigInt(Math.round(ms * 1e6))).toString();
  return {
    traceId: trace,
    spanId: id,
    parentSpanId: parent,
    name,
    kind: KIND[kind],
    startTimeUnixNano: nano(at),
    endTimeUnixNano: nano(at + took),
    attributes: attributes(attrs),
    events: events.map((event) => ({ name: event.name, timeUnixNano: nano(event.at), attributes: attributes(event.attrs) })),
    links: links.map((link) => ({ traceId: link.trace, spanId: link.id, traceState: link.traceState ?? '', attributes: attributes(link.attrs) })),
    status: error === undefined ? {} : { code: 2, message: error },
    ...(traceState === undefined ? {} : { traceState }),
    flags,
  };
}

/** `{service: [span, …]}` as one request. */
export function request(byService, scope = { name: 'rum-trace', version: '0.1.0' }) {
  const services = Array.isArray(byService) ? byService : Object.entries(byService);
  return {
    resourceSpans: services.map(([service, spans]) => ({
      resource: { attributes: attributes({ 'service.name': service, 'service.version': '1.4.2', 'host.name': `${service.slice(0, 40)}-7c9f`, 'telemetry.sdk.language': 'rust' }) },
      scopeSpans: [{ scope, spans }],
    })),
  };
}

export async function send(endpoint, body) {
  const response = await fetch(`${endpoint}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`the collector answered ${response.status}: ${text}`);
  const { partialSuccess } = text === '' ? {} : JSON.parse(text);
  if (Number(partialSuccess?.rejectedSpans ?? 0) > 0) throw new Error(`spans were rejected: ${text}`);
}

export const milliseconds = (ms) => BigInt(Math.round(ms * 1e6));
/** So many milliseconds ago, in nanoseconds since 1970. */
export const ago = (ms) => BigInt(Date.now()) * 1_000_000n - milliseconds(ms);
