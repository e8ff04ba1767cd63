//! A segment as an OTLP export request.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use rum_trace_propagation::sw8::{otel_span_id, otel_trace_id};

use super::wire::{SegmentObject, SpanObject, SpanType};
use crate::BoxError;

pub(super) fn export(segment: &SegmentObject) -> Result<ExportTraceServiceRequest, BoxError> {
    let spans: Result<_, _> = segment.spans.iter().map(|it| span(segment, it)).collect();
    let resource = Resource {
        attributes: vec![
            text("service.name", &segment.service),
            text("service.instance.id", &segment.service_instance),
            text("sw8.trace_id", &segment.trace_id),
        ],
        ..Resource::default()
    };
    let scope = ScopeSpans {
        spans: spans?,
        ..ScopeSpans::default()
    };
    Ok(ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![scope],
            ..ResourceSpans::default()
        }],
    })
}

fn span(segment: &SegmentObject, span: &SpanObject) -> Result<Span, BoxError> {
    let kind = match span.span_type() {
        SpanType::Entry => SpanKind::Server,
        SpanType::Exit => SpanKind::Client,
        SpanType::Local => SpanKind::Internal,
    };
    Ok(Span {
        trace_id: otel_trace_id(&segment.trace_id).to_bytes().to_vec(),
        span_id: id(&segment.segment_id, span.span_id)?,
        parent_span_id: parent(segment, span)?,
        name: span.operation_name.clone(),
        kind: kind.into(),
        start_time_unix_nano: nanoseconds(span.start_time),
        end_time_unix_nano: nanoseconds(span.end_time),
        attributes: vec![
            text("sw8.segment_id", &segment.segment_id),
            text("sw8.span_id", &span.span_id.to_string()),
        ],
        ..Span::default()
    })
}

/// Another span of the segment, or the one that the segment refers to. The receiver takes
/// no parent from several references, as a batch of messages has them.
fn parent(segment: &SegmentObject, span: &SpanObject) -> Result<Vec<u8>, BoxError> {
    if span.parent_span_id != -1 {
        return id(&segment.segment_id, span.parent_span_id);
    }
    match span.refs.as_slice() {
        // OAP joins by the literal text, so it must be the same too.
        [one] if one.trace_id != segment.trace_id => Err(format!(
            "a segment of trace {} refers to trace {}",
            segment.trace_id, one.trace_id
        )
        .into()),
        [one] => id(&one.parent_segment_id, one.parent_span_id),
        _ => Ok(Vec::new()),
    }
}

fn id(segment_id: &str, span_id: i32) -> Result<Vec<u8>, BoxError> {
    let index = u32::try_from(span_id)?;
    Ok(otel_span_id(segment_id, index).to_bytes().to_vec())
}

/// Before 1970 nobody reported.
fn nanoseconds(milliseconds: i64) -> u64 {
    u64::try_from(milliseconds)
        .unwrap_or_default()
        .saturating_mul(1_000_000)
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::SegmentReference;
    use super::*;

    fn segment(refs: Vec<SegmentReference>) -> SegmentObject {
        let first = SpanObject {
            parent_span_id: -1,
            refs,
            ..SpanObject::default()
        };
        let second = SpanObject {
            span_id: 1,
            span_type: SpanType::Exit.into(),
            ..SpanObject::default()
        };
        SegmentObject {
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
            segment_id: "56a5e1c519ae4c76a2b8b11d92cead7f".into(),
            spans: vec![first, second],
            service: "shop".into(),
            ..SegmentObject::default()
        }
    }

    fn spans(segment: &SegmentObject) -> Vec<Span> {
        let export = export(segment).expect("a segment");
        let scopes = export
            .resource_spans
            .into_iter()
            .flat_map(|it| it.scope_spans);
        scopes.flat_map(|it| it.spans).collect()
    }

    #[test]
    fn a_reference_is_the_parent_of_a_segments_first_span() {
        let reference = SegmentReference {
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
            // What sw8 says for the span 00f067aa0ba902b7.
            parent_segment_id: "4bf92f3577b34da64b09489f7c1a4f11".into(),
            parent_span_id: 0,
        };
        let spans = spans(&segment(vec![reference]));
        assert_eq!(
            spans[0].parent_span_id,
            0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()
        );
        assert_eq!(spans[0].kind(), SpanKind::Server);
        assert_eq!(spans[1].parent_span_id, spans[0].span_id);
        assert_eq!(spans[1].kind(), SpanKind::Client);
        assert_ne!(spans[1].span_id, spans[0].span_id);
    }

    #[test]
    fn without_one_it_has_no_parent() {
        assert_eq!(
            spans(&segment(Vec::new()))[0].parent_span_id,
            Vec::<u8>::new()
        );
    }

    #[test]
    fn a_reference_into_another_trace_is_an_error() {
        let reference = SegmentReference {
            trace_id: "another".into(),
            ..SegmentReference::default()
        };
        export(&segment(vec![reference])).expect_err("two traces");
    }
}
