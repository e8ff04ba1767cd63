"""Reads `sw8` headers with the published SkyWalking agent for Python.

A line of JSON with headers in, a line of JSON out: what the agent reads in
them, and what it writes to the next service. The first line is its version.
"""

import json
import sys
from importlib.metadata import version

from skywalking.trace.carrier import Carrier
from skywalking.trace.segment import SegmentRef


def read(headers):
    """As the agent's server plugins fill a carrier."""
    carrier = Carrier()
    for item in carrier:
        item.val = headers.get(item.key)
    return carrier


def fields(carrier):
    """As the agent reports the reference to the caller's segment."""
    ref = SegmentRef(carrier)
    return {
        "trace_id": ref.trace_id,
        "segment_id": ref.segment_id,
        "span_id": ref.span_id,
        "service": ref.service,
        "instance": ref.service_instance,
        "endpoint": ref.endpoint,
        "peer": ref.client_address,
        "correlation": carrier.correlation_carrier.correlation,
    }


def write(carrier):
    """As an exit span injects, had it all from the carrier."""
    onward = Carrier(
        trace_id=carrier.trace_id,
        segment_id=carrier.segment_id,
        span_id=str(carrier.span_id),
        service=carrier.service,
        service_instance=carrier.service_instance,
        endpoint=carrier.endpoint,
        client_address=carrier.client_address,
        correlation=carrier.correlation_carrier.correlation,
    )
    return {item.key: item.val for item in onward if item.val}


def answer(headers):
    try:
        carrier = read(headers)
        # It takes no notice of the sample, and writes that it samples.
        onward = {"headers": write(carrier), "fields": {**fields(carrier), "sample": True}}
        return {"valid": carrier.is_valid, "fields": fields(carrier), "onward": onward}
    except Exception as error:  # whatever the agent raises is its answer
        return {"error": repr(error)}


print(json.dumps({"version": version("apache-skywalking")}))
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
