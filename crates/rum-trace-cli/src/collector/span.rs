//! A span as it is kept: its ids checked, the rest as it was sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1 as proto;
use rum_trace_propagation::{SpanId, TraceId};

/// One received span. All text in it is the sender's: escape it before it goes
/// anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// `None` for the root of a trace.
    pub(crate) parent: Option<SpanId>,
    pub(crate) kind: SpanKind,
    /// `service.name` of its resource.
    pub(crate) service: Arc<str>,
    pub(crate) name: String,
    /// Nanoseconds since 1970, by the sender's clock.
    pub(crate) start: u64,
    end: u64,
    /// The description of an error status; it may be empty.
    pub(crate) error: Option<String>,
    attributes: Vec<KeyValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Span {
    /// Takes a span from the wire, or says why it cannot be one.
    pub(crate) fn from_proto(span: proto::Span, service: &Arc<str>) -> Result<Self, &'static str> {
        let trace_id = id(&span.trace_id).and_then(TraceId::from_bytes);
        let span_id = id(&span.span_id).and_then(SpanId::from_bytes);
        Ok(Self {
            trace_id: trace_id.ok_or("a trace_id is not 16 bytes, or all zero")?,
            span_id: span_id.ok_or("a span_id is not 8 bytes, or all zero")?,
            parent: parent(&span.parent_span_id)?,
            kind: SpanKind::from_proto(span.kind()),
            service: Arc::clone(service),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            error: span
                .status
                .filter(|status| status.code() == proto::status::StatusCode::Error)
                .map(|status| status.message),
            name: span.name,
            attributes: span.attributes,
        })
    }

    /// How long it took; nothing if it ends before it starts.
    pub(crate) const fn duration(&self) -> Duration {
        Duration::from_nanos(self.end.saturating_sub(self.start))
    }

    /// An attribute that is text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.attribute(key)? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }

    /// An attribute that is a whole number.
    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        match self.attribute(key)? {
            Value::IntValue(number) => Some(*number),
            _ => None,
        }
    }

    /// About how many bytes of memory it takes. Not by its size on the wire,
    /// where an empty attribute takes two bytes and here more than fifty.
    pub(crate) fn weight(&self) -> usize {
        let text = self.name.len() + self.error.as_ref().map_or(0, String::len);
        let attributes = self.attributes.iter().map(pair_weight);
        size_of::<Self>() + text + attributes.sum::<usize>()
    }

    fn attribute(&self, key: &str) -> Option<&Value> {
        let mut pairs = self.attributes.iter();
        value(&pairs.find(|pair| pair.key == key)?.value)
    }
}

impl SpanKind {
    /// By the specification a kind that is not told, or not known, is to be
    /// taken as internal.
    const fn from_proto(kind: proto::span::SpanKind) -> Self {
        use proto::span::SpanKind as Proto;
        match kind {
            Proto::Unspecified | Proto::Internal => Self::Internal,
            Proto::Server => Self::Server,
            Proto::Client => Self::Client,
            Proto::Producer => Self::Producer,
            Proto::Consumer => Self::Consumer,
        }
    }
}

impl fmt::Display for SpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "INTERNAL",
            Self::Server => "SERVER",
            Self::Client => "CLIENT",
            Self::Producer => "PRODUCER",
            Self::Consumer => "CONSUMER",
        })
    }
}

/// `service.name` among the attributes of a resource.
pub(super) fn service_name(attributes: &[KeyValue]) -> Arc<str> {
    let named = attributes.iter().find(|pair| pair.key == "service.name");
    match named.and_then(|pair| value(&pair.value)) {
        Some(Value::StringValue(name)) => Arc::from(name.as_str()),
        // The name that the conventions give a service that tells none.
        _ => Arc::from("unknown_service"),
    }
}

/// A root has an empty parent id by the specification; some senders write zeros.
fn parent(bytes: &[u8]) -> Result<Option<SpanId>, &'static str> {
    match bytes {
        [] => Ok(None),
        _ => id(bytes)
            .map(SpanId::from_bytes)
            .ok_or("a parent_span_id is not 8 bytes"),
    }
}

fn id<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn pair_weight(pair: &KeyValue) -> usize {
    size_of::<KeyValue>() + pair.key.len() + value(&pair.value).map_or(0, value_weight)
}

/// What a value has on the heap. The decoder bounds how deep it is nested.
fn value_weight(value: &Value) -> usize {
    match value {
        Value::StringValue(text) => text.len(),
        Value::BytesValue(bytes) => bytes.len(),
        Value::ArrayValue(array) => {
            let values = array.values.iter().map(|value| value.value.as_ref());
            let weights = values.map(|value| value.map_or(0, value_weight));
            weights.map(|weight| weight + size_of::<AnyValue>()).sum()
        }
        Value::KvlistValue(list) => list.values.iter().map(pair_weight).sum(),
        _ => 0,
    }
}

fn value(value: &Option<AnyValue>) -> Option<&Value> {
    value.as_ref()?.value.as_ref()
}

#[cfg(test)]
pub(crate) mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};

    use super::*;

    /// Spans for tests, made as a sender would make them. Ids are one byte.
    pub(crate) struct SpanBuilder {
        service: &'static str,
        span: proto::Span,
    }

    impl SpanBuilder {
        pub(crate) fn new(service: &'static str, trace: u8, span: u8, parent: u8) -> Self {
            let span = proto::Span {
                trace_id: vec![trace; 16],
                span_id: vec![span; 8],
                parent_span_id: vec![parent; 8],
                name: format!("span {span}"),
                ..proto::Span::default()
            };
            Self { service, span }
        }

        pub(crate) fn kind(mut self, kind: proto::span::SpanKind) -> Self {
            self.span.kind = kind.into();
            self
        }

        pub(crate) fn server(self) -> Self {
            self.kind(proto::span::SpanKind::Server)
        }

        pub(crate) fn client(self) -> Self {
            self.kind(proto::span::SpanKind::Client)
        }

        pub(crate) fn name(mut self, name: &str) -> Self {
            self.span.name = name.to_owned();
            self
        }

        pub(crate) fn trace_id(mut self, id: &str) -> Self {
            self.span.trace_id = TraceId::from_hex(id.as_bytes()).unwrap().to_bytes().into();
            self
        }

        pub(crate) fn parent(mut self, id: &str) -> Self {
            self.span.parent_span_id = SpanId::from_hex(id.as_bytes()).unwrap().to_bytes().into();
            self
        }

        /// From start to end, in milliseconds.
        pub(crate) fn time(mut self, start: u64, end: u64) -> Self {
            self.span.start_time_unix_nano = start * 1_000_000;
            self.span.end_time_unix_nano = end * 1_000_000;
            self
        }

        pub(crate) fn error(mut self, message: &str) -> Self {
            self.span.status = Some(proto::Status {
                message: message.to_owned(),
                code: proto::status::StatusCode::Error.into(),
            });
            self
        }

        pub(crate) fn text(self, key: &str, text: &str) -> Self {
            self.attribute(key, Value::StringValue(text.to_owned()))
        }

        pub(crate) fn number(self, key: &str, number: i64) -> Self {
            self.attribute(key, Value::IntValue(number))
        }

        fn attribute(mut self, key: &str, value: Value) -> Self {
            self.span.attributes.push(KeyValue {
                key: key.to_owned(),
                value: Some(AnyValue { value: Some(value) }),
                ..KeyValue::default()
            });
            self
        }

        pub(crate) fn proto(self) -> proto::Span {
            self.span
        }

        pub(crate) fn try_build(self) -> Result<Span, &'static str> {
            Span::from_proto(self.span, &Arc::from(self.service))
        }

        pub(crate) fn build(self) -> Arc<Span> {
            Arc::new(self.try_build().unwrap())
        }
    }

    #[test]
    fn ids_are_checked() {
        let with = |change: fn(&mut proto::Span)| {
            let mut builder = SpanBuilder::new("shop", 1, 2, 3);
            change(&mut builder.span);
            builder.try_build()
        };
        assert!(with(|_| {}).is_ok());
        assert!(with(|span| span.trace_id = vec![0; 16]).is_err());
        assert!(with(|span| span.trace_id = vec![1; 15]).is_err());
        assert!(with(|span| span.span_id = vec![0; 8]).is_err());
        assert!(with(|span| span.span_id = vec![1; 9]).is_err());
        assert!(with(|span| span.parent_span_id = vec![1; 7]).is_err());
        for root in [vec![], vec![0; 8]] {
            let mut builder = SpanBuilder::new("shop", 1, 2, 3);
            builder.span.parent_span_id = root;
            assert_eq!(builder.try_build().unwrap().parent, None);
        }
    }

    #[test]
    fn every_value_has_its_weight() {
        let weight = |value: Value| {
            let span = SpanBuilder::new("shop", 1, 2, 3).attribute("", value);
            span.build().weight() - SpanBuilder::new("shop", 1, 2, 3).build().weight()
        };
        let any = |value| AnyValue { value };
        let empty = weight(Value::BoolValue(true));
        assert!(empty >= 50);
        assert_eq!(weight(Value::StringValue("12345".into())), empty + 5);
        assert_eq!(weight(Value::BytesValue(vec![0; 7])), empty + 7);
        let values = vec![any(None), any(Some(Value::StringValue("abc".into())))];
        let array = Value::ArrayValue(ArrayValue { values });
        assert_eq!(weight(array), empty + 2 * size_of::<AnyValue>() + 3);
        let values = vec![
            KeyValue {
                key: "ab".into(),
                ..KeyValue::default()
            };
            3
        ];
        let list = Value::KvlistValue(KeyValueList { values });
        assert_eq!(weight(list), empty + 3 * (size_of::<KeyValue>() + 2));
        let named = SpanBuilder::new("shop", 1, 2, 3)
            .name("")
            .error("1234")
            .build();
        let plain = SpanBuilder::new("shop", 1, 2, 3).name("").build();
        assert_eq!(named.weight(), plain.weight() + 4);
    }

    #[test]
    fn what_a_sender_may_leave_out_or_get_wrong() {
        let span = SpanBuilder::new("shop", 1, 2, 3)
            .time(5, 2)
            .number("http.route", 1)
            .text("http.response.status_code", "200")
            .build();
        assert_eq!(span.duration(), Duration::ZERO);
        assert_eq!(span.kind, SpanKind::Internal);
        assert_eq!(span.error, None);
        assert_eq!(span.text("http.route"), None);
        assert_eq!(span.number("http.response.status_code"), None);

        let mut odd = SpanBuilder::new("shop", 1, 2, 3);
        odd.span.kind = 77;
        assert_eq!(odd.build().kind, SpanKind::Internal);
        assert_eq!(&*service_name(&[]), "unknown_service");
    }
}
