//! SkyWalking ids as OpenTelemetry ids, and back, by the common vectors.

use super::support::read;
use rum_trace_propagation::sw8::{otel_span_id, otel_trace_id, segment_id};
use rum_trace_propagation::{SpanId, TraceId};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    trace: Vec<Trace>,
    span: Vec<Span>,
    inject: Vec<Inject>,
}

#[derive(Deserialize)]
struct Trace {
    id: String,
    otel: String,
}

#[derive(Deserialize)]
struct Span {
    segment: String,
    index: u32,
    otel: String,
}

#[derive(Deserialize)]
struct Inject {
    trace_id: String,
    span_id: String,
    segment: String,
    index: u32,
}

fn vectors() -> Vectors {
    read("vectors/sw8-ids")
}

#[test]
fn trace_ids() {
    for Trace { id, otel } in vectors().trace {
        assert_eq!(otel_trace_id(&id).to_string(), otel, "{id}");
    }
}

#[test]
fn span_ids() {
    for Span {
        segment,
        index,
        otel,
    } in vectors().span
    {
        assert_eq!(
            otel_span_id(&segment, index).to_string(),
            otel,
            "{segment} {index}"
        );
    }
}

#[test]
fn segments_of_spans_and_back() {
    for row in vectors().inject {
        let trace_id = TraceId::from_hex(row.trace_id.as_bytes()).unwrap();
        let span_id = SpanId::from_hex(row.span_id.as_bytes()).unwrap();
        let segment = segment_id(trace_id, span_id);
        let segment = std::str::from_utf8(&segment).unwrap();
        assert_eq!(segment, row.segment);
        assert_eq!(otel_span_id(segment, row.index), span_id, "{segment}");
    }
}
