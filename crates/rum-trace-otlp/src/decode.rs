//! A span's bytes read back, for an exporter of the user's: it takes spans as the SDK has
//! them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue as ProtoKeyValue};
use opentelemetry_proto::tonic::trace::v1 as proto;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use prost::Message as _;
use rum_trace_core::tracer::scope;

use crate::span::IS_REMOTE;

/// The span of a layer's that was written as these bytes. An array without elements
/// comes back as one of texts: OTLP does not say of what it would be.
pub(crate) fn span(bytes: &[u8]) -> Result<SpanData, prost::DecodeError> {
    let span = proto::Span::decode(bytes)?;
    let mut events = SpanEvents::default();
    events.events = span.events.into_iter().map(event).collect();
    events.dropped_count = span.dropped_events_count;
    let mut links = SpanLinks::default();
    links.links = span.links.into_iter().map(link).collect();
    links.dropped_count = span.dropped_links_count;
    Ok(SpanData {
        span_context: SpanContext::new(
            trace_id(&span.trace_id),
            span_id(&span.span_id),
            trace_flags(span.flags),
            false,
            trace_state(&span.trace_state),
        ),
        parent_span_id: span_id(&span.parent_span_id),
        parent_span_is_remote: span.flags & IS_REMOTE != 0,
        span_kind: kind(span.kind),
        name: span.name.into(),
        start_time: time(span.start_time_unix_nano),
        end_time: time(span.end_time_unix_nano),
        attributes: attributes(span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events,
        links,
        status: status(span.status.unwrap_or_default()),
        instrumentation_scope: scope(),
    })
}

fn event(event: proto::span::Event) -> Event {
    Event::new(
        event.name,
        time(event.time_unix_nano),
        attributes(event.attributes),
        event.dropped_attributes_count,
    )
}

fn link(link: proto::span::Link) -> Link {
    let context = SpanContext::new(
        trace_id(&link.trace_id),
        span_id(&link.span_id),
        trace_flags(link.flags),
        link.flags & IS_REMOTE != 0,
        trace_state(&link.trace_state),
    );
    let attributes = attributes(link.attributes);
    Link::new(context, attributes, link.dropped_attributes_count)
}

fn trace_id(bytes: &[u8]) -> TraceId {
    bytes
        .try_into()
        .map_or(TraceId::INVALID, TraceId::from_bytes)
}

fn span_id(bytes: &[u8]) -> SpanId {
    bytes.try_into().map_or(SpanId::INVALID, SpanId::from_bytes)
}

/// The lower eight bits are W3C's.
fn trace_flags(flags: u32) -> TraceFlags {
    TraceFlags::new(flags as u8)
}

fn trace_state(list: &str) -> TraceState {
    list.parse().unwrap_or_default()
}

fn time(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

fn kind(kind: i32) -> SpanKind {
    match proto::span::SpanKind::try_from(kind) {
        Ok(proto::span::SpanKind::Server) => SpanKind::Server,
        Ok(proto::span::SpanKind::Client) => SpanKind::Client,
        Ok(proto::span::SpanKind::Producer) => SpanKind::Producer,
        Ok(proto::span::SpanKind::Consumer) => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn status(status: proto::Status) -> Status {
    match status.code() {
        proto::status::StatusCode::Unset => Status::Unset,
        proto::status::StatusCode::Ok => Status::Ok,
        proto::status::StatusCode::Error => Status::error(status.message),
    }
}

fn attributes(list: Vec<ProtoKeyValue>) -> Vec<KeyValue> {
    let attribute = |kv: ProtoKeyValue| {
        let value = kv.value.and_then(|it| it.value);
        KeyValue::new(kv.key, value.map_or(Value::from(""), one))
    };
    list.into_iter().map(attribute).collect()
}

fn one(value: ProtoValue) -> Value {
    match value {
        ProtoValue::StringValue(text) => Value::from(text),
        ProtoValue::BoolValue(truth) => Value::from(truth),
        ProtoValue::IntValue(number) => Value::from(number),
        ProtoValue::DoubleValue(number) => Value::from(number),
        ProtoValue::ArrayValue(list) => Value::Array(array(list)),
        // None of these was written.
        _ => Value::from(""),
    }
}

/// All of one kind, which is that of the first.
fn array(list: ArrayValue) -> Array {
    let values: Vec<ProtoValue> = list
        .values
        .into_iter()
        .filter_map(|it: AnyValue| it.value)
        .collect();
    match values.first() {
        Some(ProtoValue::BoolValue(_)) => Array::Bool(each(values, |it| match it {
            ProtoValue::BoolValue(truth) => Some(truth),
            _ => None,
        })),
        Some(ProtoValue::IntValue(_)) => Array::I64(each(values, |it| match it {
            ProtoValue::IntValue(number) => Some(number),
            _ => None,
        })),
        Some(ProtoValue::DoubleValue(_)) => Array::F64(each(values, |it| match it {
            ProtoValue::DoubleValue(number) => Some(number),
            _ => None,
        })),
        _ => Array::String(each(values, |it| match it {
            ProtoValue::StringValue(text) => Some(StringValue::from(text)),
            _ => None,
        })),
    }
}

fn each<T>(values: Vec<ProtoValue>, of: impl FnMut(ProtoValue) -> Option<T>) -> Vec<T> {
    values.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::span as wire_span;
    use crate::span::tests::life;

    /// As OTLP has them: without the kind of an array that has no elements.
    fn without_kind(span: &mut SpanData) {
        let lists = [&mut span.attributes];
        let events = span.events.events.iter_mut().map(|it| &mut it.attributes);
        let links = span.links.links.iter_mut().map(|it| &mut it.attributes);
        for kv in lists.into_iter().chain(events).chain(links).flatten() {
            if kv.value.as_str() == "[]" && matches!(kv.value, Value::Array(_)) {
                kv.value = Value::Array(Array::String(Vec::new()));
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_read_back_is_what_was_written(life in life()) {
            let mut expected = life.of_sdk();
            let mut bytes = Vec::new();
            wire_span::write(&mut bytes, &expected);
            without_kind(&mut expected);
            expected.instrumentation_scope = scope();
            prop_assert_eq!(span(&bytes).unwrap(), expected);
        }
    }
}
