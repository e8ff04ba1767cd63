'use strict';

// Reads `sw8` headers with the published SkyWalking agent for Node.js.
//
// A line of JSON with headers in, a line of JSON out: what the agent reads in
// them, and what it writes to the next service. The first line is its version.

const readline = require('readline');

// By their files: the package's main module is for starting the agent.
const agent = 'skywalking-backend-js';
const { ContextCarrier } = require(`${agent}/lib/trace/context/ContextCarrier`);
const SegmentRef = require(`${agent}/lib/trace/context/SegmentRef`).default;
const { version } = require(`${agent}/package.json`);

// As the agent reports the reference to the caller's segment.
function fields(carrier) {
  const ref = SegmentRef.fromCarrier(carrier);
  return {
    trace_id: ref.traceId.toString(),
    segment_id: ref.segmentId.toString(),
    span_id: ref.spanId,
    service: ref.service,
    instance: ref.serviceInstance,
    endpoint: ref.endpoint,
    peer: ref.clientAddress,
  };
}

// As an exit span injects, had it all from the carrier.
function write(carrier) {
  const { traceId, segmentId, spanId, service, serviceInstance, endpoint, clientAddress } = carrier;
  const onward = new ContextCarrier(
    traceId, segmentId, spanId, service, serviceInstance, endpoint, clientAddress, [],
  );
  return Object.fromEntries(onward.items.map((item) => [item.key, item.value]));
}

function answer(headers) {
  try {
    const carrier = ContextCarrier.from(headers);
    // It takes no notice of the sample, and writes that it samples.
    const onward = { headers: write(carrier), fields: { ...fields(carrier), sample: true } };
    return { valid: carrier.isValid(), fields: fields(carrier), onward };
  } catch (error) {
    return { error: String(error) }; // whatever the agent throws is its answer
  }
}

console.log(JSON.stringify({ version }));
readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
