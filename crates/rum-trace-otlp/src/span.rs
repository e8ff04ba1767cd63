//! A span as the bytes of OTLP's `Span`.
//!
//! `opentelemetry-proto` first makes an own copy of every text, in a message of
//! its own for each attribute; that is most of what an export costs.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanContext, SpanKind, Status};
use opentelemetry::{KeyValue, SpanId};
use opentelemetry_sdk::trace::SpanData;

use crate::wire::{self, AnyValue};

/// Fields of `Span` in `opentelemetry/proto/trace/v1/trace.proto`.
mod field {
    pub(super) const TRACE_ID: u32 = 1;
    pub(super) const SPAN_ID: u32 = 2;
    pub(super) const TRACE_STATE: u32 = 3;
    pub(super) const PARENT_SPAN_ID: u32 = 4;
    pub(super) const NAME: u32 = 5;
    pub(super) const KIND: u32 = 6;
    pub(super) const START: u32 = 7;
    pub(super) const END: u32 = 8;
    pub(super) const ATTRIBUTES: u32 = 9;
    pub(super) const DROPPED_ATTRIBUTES: u32 = 10;
    pub(super) const EVENTS: u32 = 11;
    pub(super) const DROPPED_EVENTS: u32 = 12;
    pub(super) const LINKS: u32 = 13;
    pub(super) const DROPPED_LINKS: u32 = 14;
    pub(super) const STATUS: u32 = 15;
    pub(super) const FLAGS: u32 = 16;
}

/// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK` and `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`.
const HAS_IS_REMOTE: u32 = 0x100;
pub(crate) const IS_REMOTE: u32 = 0x200;

/// Appends the whole span.
pub(crate) fn write(to: &mut Vec<u8>, span: &SpanData) {
    for kv in &span.attributes {
        attribute(to, kv.key.as_str(), AnyValue::from(&kv.value));
    }
    for it in &span.events.events {
        let dropped = it.dropped_attributes_count;
        event(to, &it.name, it.timestamp, &it.attributes, dropped);
    }
    for it in &span.links.links {
        let dropped = it.dropped_attributes_count;
        link(to, &it.span_context, &it.attributes, dropped);
    }
    let span = Rest {
        context: &span.span_context,
        kind: &span.span_kind,
        parent: span.parent_span_id,
        parent_is_remote: span.parent_span_is_remote,
        name: &span.name,
        start: span.start_time,
        end: span.end_time,
        status: &span.status,
        dropped_attributes: span.dropped_attributes_count,
        dropped_events: span.events.dropped_count,
        dropped_links: span.links.dropped_count,
    };
    rest(to, &span);
}

/// Appends an attribute of the span.
pub(crate) fn attribute(to: &mut Vec<u8>, key: &str, value: AnyValue<'_>) {
    wire::attribute(to, field::ATTRIBUTES, key, value);
}

/// `Event { time = 1, name = 2, attributes = 3, dropped = 4 }`.
pub(crate) fn event(
    to: &mut Vec<u8>,
    name: &str,
    time: SystemTime,
    attributes: &[KeyValue],
    dropped: u32,
) {
    let further = wire::key_values_len(attributes) + wire::count_len(dropped);
    wire::message(to, field::EVENTS, 9 + wire::prefixed(name.len()) + further);
    wire::fixed64(to, 1, nanos(time));
    wire::bytes(to, 2, name.as_bytes());
    wire::key_values(to, 3, attributes);
    wire::count(to, 4, dropped);
}

/// `Link { trace_id = 1, span_id = 2, trace_state = 3, attributes = 4,
/// dropped = 5, flags = 6 }`.
pub(crate) fn link(to: &mut Vec<u8>, linked: &SpanContext, attributes: &[KeyValue], dropped: u32) {
    let list = linked.trace_state().header();
    let further = wire::key_values_len(attributes) + wire::count_len(dropped);
    let len = 18 + 10 + wire::prefixed(list.len()) + further + 5;
    wire::message(to, field::LINKS, len);
    wire::bytes(to, 1, &linked.trace_id().to_bytes());
    wire::bytes(to, 2, &linked.span_id().to_bytes());
    wire::bytes(to, 3, list.as_bytes());
    wire::key_values(to, 4, attributes);
    wire::count(to, 5, dropped);
    wire::fixed32(to, 6, flags(linked, linked.is_remote()));
}

/// What a span has but for attributes, events and links.
pub(crate) struct Rest<'a> {
    pub(crate) context: &'a SpanContext,
    pub(crate) kind: &'a SpanKind,
    pub(crate) parent: SpanId,
    pub(crate) parent_is_remote: bool,
    pub(crate) name: &'a str,
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
    pub(crate) status: &'a Status,
    pub(crate) dropped_attributes: u32,
    pub(crate) dropped_events: u32,
    pub(crate) dropped_links: u32,
}

/// Appends it.
pub(crate) fn rest(to: &mut Vec<u8>, span: &Rest<'_>) {
    to.reserve(128 + span.name.len());
    to.extend_from_slice(&head(span));
    to.extend_from_slice(&flags(span.context, span.parent_is_remote).to_le_bytes());
    if span.parent != SpanId::INVALID {
        wire::bytes(to, field::PARENT_SPAN_ID, &span.parent.to_bytes());
    }
    wire::bytes(to, field::NAME, span.name.as_bytes());
    trace_state(to, span.context);
    status(to, span.status);
    wire::count(to, field::DROPPED_ATTRIBUTES, span.dropped_attributes);
    wire::count(to, field::DROPPED_EVENTS, span.dropped_events);
    wire::count(to, field::DROPPED_LINKS, span.dropped_links);
}

/// The fields that have one length in every span: ids, kind, times, and the tag
/// of the flags, which come last.
fn head(span: &Rest<'_>) -> [u8; 50] {
    const LENGTH: u8 = 2;
    const FIXED64: u8 = 1;
    const FIXED32: u8 = 5;
    const fn tag(field: u32, kind: u8) -> u8 {
        (field as u8) << 3 | kind
    }
    let mut head = [0; 50];
    head[0] = tag(field::TRACE_ID, LENGTH);
    head[1] = 16;
    head[2..18].copy_from_slice(&span.context.trace_id().to_bytes());
    head[18] = tag(field::SPAN_ID, LENGTH);
    head[19] = 8;
    head[20..28].copy_from_slice(&span.context.span_id().to_bytes());
    head[28] = tag(field::KIND, 0);
    head[29] = kind(span.kind);
    head[30] = tag(field::START, FIXED64);
    head[31..39].copy_from_slice(&nanos(span.start).to_le_bytes());
    head[39] = tag(field::END, FIXED64);
    head[40..48].copy_from_slice(&nanos(span.end).to_le_bytes());
    // Field 16 is the first whose tag has two bytes.
    head[48] = tag(field::FLAGS, FIXED32) | 0x80;
    head[49] = 1;
    head
}

/// `SpanKind`; zero is none of them.
fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// `Status { message = 2, code = 3 }`.
fn status(to: &mut Vec<u8>, status: &Status) {
    match status {
        Status::Unset => wire::message(to, field::STATUS, 0),
        Status::Ok => {
            wire::message(to, field::STATUS, 2);
            wire::varint_field(to, 3, 1);
        }
        Status::Error { description } if description.is_empty() => {
            wire::message(to, field::STATUS, 2);
            wire::varint_field(to, 3, 2);
        }
        Status::Error { description } => {
            wire::message(to, field::STATUS, 2 + wire::prefixed(description.len()));
            wire::bytes(to, 2, description.as_bytes());
            wire::varint_field(to, 3, 2);
        }
    }
}

/// The list as its header has it.
fn trace_state(to: &mut Vec<u8>, context: &SpanContext) {
    let members = || context.trace_state().into_iter();
    let len: usize = members()
        .map(|(key, value)| key.len() + value.len() + 2)
        .sum();
    // A comma less than members.
    let Some(len) = len.checked_sub(1) else {
        return;
    };
    to.reserve(len + 16);
    wire::message(to, field::TRACE_STATE, len);
    for (number, (key, value)) in members().enumerate() {
        if number > 0 {
            to.push(b',');
        }
        to.extend_from_slice(key.as_bytes());
        to.push(b'=');
        to.extend_from_slice(value.as_bytes());
    }
}

fn flags(context: &SpanContext, is_remote: bool) -> u32 {
    let remote = if is_remote { IS_REMOTE } else { 0 };
    u32::from(context.trace_flags().to_u8()) | HAS_IS_REMOTE | remote
}

/// As the SDK's exporters have it: zero before 1970.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as u64
}

#[cfg(test)]
pub(crate) mod tests {
    use std::borrow::Cow;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use opentelemetry::trace::{
        Link, Span, SpanBuilder, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        Tracer as _, TracerProvider as _,
    };
    use opentelemetry::{Array, Context, StringValue, Value};
    use opentelemetry_proto::tonic::trace::v1::Span as ProtoSpan;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanLimits, SpanProcessor};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    /// What a program can do with a span.
    #[derive(Debug, Clone)]
    pub(crate) enum Step {
        Attribute(KeyValue),
        Event(String, u64, Vec<KeyValue>),
        Link(SpanContext, Vec<KeyValue>),
        Status(Status),
        Name(String),
    }

    /// A span's life.
    #[derive(Debug, Clone)]
    pub(crate) struct Life {
        pub(crate) parent: Option<SpanContext>,
        pub(crate) name: String,
        pub(crate) at_creation: Vec<KeyValue>,
        pub(crate) links: Vec<(SpanContext, Vec<KeyValue>)>,
        pub(crate) steps: Vec<Step>,
        pub(crate) limits: [u32; 5],
        pub(crate) end: u64,
    }

    /// Short, longer than one length byte can say, and with every kind of text.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[a-z.]{0,12}",
            1 => "\\PC{0,20}",
            1 => (100..140_usize).prop_map(|len| "x".repeat(len)),
            1 => (16_300..16_400_usize).prop_map(|len| "y".repeat(len)),
        ]
    }

    fn int() -> impl Strategy<Value = i64> {
        let edges = [0, 1, 127, 128, 16_383, 16_384, -1, i64::MIN, i64::MAX];
        prop_oneof![
            any::<i64>(),
            0..70_000_i64,
            proptest::sample::select(edges.to_vec())
        ]
    }

    fn double() -> impl Strategy<Value = f64> {
        // Not-a-number is not equal to itself.
        any::<f64>().prop_filter("a number", |it| !it.is_nan())
    }

    fn value() -> impl Strategy<Value = Value> {
        let texts = vec(text().prop_map(StringValue::from), 0..4);
        prop_oneof![
            4 => text().prop_map(Value::from),
            1 => text().prop_map(|it| Value::from(Arc::<str>::from(it))),
            1 => any::<bool>().prop_map(Value::from),
            2 => int().prop_map(Value::from),
            1 => double().prop_map(Value::from),
            1 => texts.prop_map(|it| Value::Array(Array::String(it))),
            1 => vec(any::<bool>(), 0..4).prop_map(|it| Value::Array(Array::Bool(it))),
            1 => vec(int(), 0..4).prop_map(|it| Value::Array(Array::I64(it))),
            1 => vec(double(), 0..4).prop_map(|it| Value::Array(Array::F64(it))),
        ]
    }

    fn attribute() -> impl Strategy<Value = KeyValue> {
        (text(), value()).prop_map(|(key, value)| KeyValue::new(key, value))
    }

    fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
        vec(attribute(), 0..4)
    }

    fn context() -> impl Strategy<Value = SpanContext> {
        let list = vec(("[a-z]{1,8}", "[a-z0-9&@]{1,20}"), 0..3);
        let ids = (1..u128::MAX, 1..u64::MAX);
        (ids, any::<u8>(), any::<bool>(), list).prop_map(|((trace, span), flags, remote, list)| {
            let (trace, span) = (TraceId::from(trace), SpanId::from(span));
            let list = TraceState::from_key_value(list).unwrap_or_default();
            SpanContext::new(trace, span, TraceFlags::new(flags), remote, list)
        })
    }

    fn status() -> impl Strategy<Value = Status> {
        prop_oneof![
            Just(Status::Unset),
            Just(Status::Ok),
            text().prop_map(Status::error)
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => attribute().prop_map(Step::Attribute),
            2 => (text(), 0..u64::MAX / 2, attributes()).prop_map(|(a, b, c)| Step::Event(a, b, c)),
            1 => (context(), attributes()).prop_map(|(a, b)| Step::Link(a, b)),
            2 => status().prop_map(Step::Status),
            1 => text().prop_map(Step::Name),
        ]
    }

    pub(crate) fn life() -> impl Strategy<Value = Life> {
        let limits = prop_oneof![Just([128; 5]), proptest::array::uniform5(0..4_u32)];
        let links = vec((context(), attributes()), 0..4);
        let parent = proptest::option::of(context());
        let steps = vec(step(), 0..12);
        let all = (
            parent,
            text(),
            attributes(),
            links,
            steps,
            limits,
            0..u64::MAX / 2,
        );
        all.prop_map(
            |(parent, name, at_creation, links, steps, limits, end)| Life {
                parent,
                name,
                at_creation,
                links,
                steps,
                limits,
                end,
            },
        )
    }

    impl Life {
        pub(crate) fn limits(&self) -> SpanLimits {
            let [events, attributes, links, of_event, of_link] = self.limits;
            SpanLimits {
                max_events_per_span: events,
                max_attributes_per_span: attributes,
                max_links_per_span: links,
                max_attributes_per_event: of_event,
                max_attributes_per_link: of_link,
            }
        }

        /// What happens after it began.
        pub(crate) fn live(&self, span: &mut impl Span) {
            for step in self.steps.clone() {
                match step {
                    Step::Attribute(kv) => span.set_attribute(kv),
                    Step::Event(name, at, list) => {
                        span.add_event_with_timestamp(name, time(at), list);
                    }
                    Step::Link(context, list) => span.add_link(context, list),
                    Step::Status(status) => span.set_status(status),
                    Step::Name(name) => span.update_name(name),
                }
            }
            span.end_with_timestamp(time(self.end));
            // All of this is too late.
            span.set_attribute(KeyValue::new("late", true));
            span.set_status(Status::Ok);
            span.update_name("late");
            assert!(!span.is_recording());
            span.end();
        }

        /// What it begins with.
        pub(crate) fn builder(&self) -> SpanBuilder {
            let links = self.links.iter().cloned();
            let links = links.map(|(context, list)| Link::new(context, list, 0));
            SpanBuilder::from_name(Cow::Owned(self.name.clone()))
                .with_kind(SpanKind::Server)
                .with_attributes(self.at_creation.clone())
                .with_links(links.collect())
        }

        /// As the SDK has it.
        pub(crate) fn of_sdk(&self) -> SpanData {
            let ended = Keep::default();
            let provider = SdkTracerProvider::builder()
                .with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOn)
                .with_span_limits(self.limits())
                .with_span_processor(ended.clone())
                .build();
            let parent = self.parent.clone();
            let cx = parent.map_or_else(Context::new, |it| {
                Context::new().with_remote_span_context(it)
            });
            let mut span = provider
                .tracer("test")
                .build_with_context(self.builder(), &cx);
            self.live(&mut span);
            let mut ended = ended.0.lock().unwrap();
            assert_eq!(ended.len(), 1, "it ends once");
            ended.remove(0)
        }
    }

    fn time(nanos: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(nanos)
    }

    /// Keeps what has ended.
    #[derive(Debug, Clone, Default)]
    struct Keep(Arc<Mutex<Vec<SpanData>>>);

    impl SpanProcessor for Keep {
        fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn it_is_what_opentelemetry_proto_makes_of_it(life in life(), kind in 0..5_usize) {
            let mut span = life.of_sdk();
            span.span_kind = [
                SpanKind::Client,
                SpanKind::Server,
                SpanKind::Producer,
                SpanKind::Consumer,
                SpanKind::Internal,
            ][kind].clone();
            let mut bytes = Vec::new();
            write(&mut bytes, &span);
            let decoded = ProtoSpan::decode(&bytes[..]).unwrap();
            prop_assert_eq!(decoded, ProtoSpan::from(span));
        }
    }
}
