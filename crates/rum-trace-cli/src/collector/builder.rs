//! Spans for tests, made as a sender would make them.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use rum_trace_propagation::{SpanId, TraceId};

use super::resource::{Resource, Scope};
use super::span::{Span, SpanFault};

/// Ids are one byte, again and again.
#[derive(Clone, Debug)]
pub(crate) struct SpanBuilder {
    resource: ProtoResource,
    scope: InstrumentationScope,
    pub(super) span: proto::Span,
}

impl SpanBuilder {
    pub(crate) fn new(service: &str, trace: u8, span: u8, parent: u8) -> Self {
        let span = proto::Span {
            trace_id: vec![trace; 16],
            span_id: vec![span; 8],
            parent_span_id: vec![parent; 8],
            name: format!("span {span}"),
            ..proto::Span::default()
        };
        let new = Self {
            resource: ProtoResource::default(),
            scope: InstrumentationScope::default(),
            span,
        };
        new.resource("service.name", service)
    }

    /// An attribute of the resource.
    pub(crate) fn resource(mut self, key: &str, text: &str) -> Self {
        self.resource.attributes.push(text_pair(key, text));
        self
    }

    pub(crate) fn scope(mut self, name: &str, version: &str) -> Self {
        name.clone_into(&mut self.scope.name);
        version.clone_into(&mut self.scope.version);
        self
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
        name.clone_into(&mut self.span.name);
        self
    }

    pub(crate) fn trace_id(mut self, id: &str) -> Self {
        self.span.trace_id = TraceId::from_hex(id.as_bytes()).unwrap().to_bytes().into();
        self
    }

    pub(crate) fn span_id(mut self, id: &str) -> Self {
        self.span.span_id = SpanId::from_hex(id.as_bytes()).unwrap().to_bytes().into();
        self
    }

    pub(crate) fn parent(mut self, id: &str) -> Self {
        self.span.parent_span_id = SpanId::from_hex(id.as_bytes()).unwrap().to_bytes().into();
        self
    }

    /// Without a parent: the root of its trace.
    pub(crate) fn root(mut self) -> Self {
        self.span.parent_span_id = Vec::new();
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

    pub(crate) fn trace_state(mut self, text: &str) -> Self {
        text.clone_into(&mut self.span.trace_state);
        self
    }

    pub(crate) fn flags(mut self, flags: u32) -> Self {
        self.span.flags = flags;
        self
    }

    pub(crate) fn text(mut self, key: &str, text: &str) -> Self {
        self.span.attributes.push(text_pair(key, text));
        self
    }

    pub(crate) fn number(mut self, key: &str, number: i64) -> Self {
        let value = Value::IntValue(number);
        self.span.attributes.push(pair(key, value));
        self
    }

    pub(crate) fn event(mut self, name: &str, nanos: u64, attributes: &[(&str, &str)]) -> Self {
        let attributes = attributes.iter().map(|(key, text)| text_pair(key, text));
        self.span.events.push(proto::span::Event {
            time_unix_nano: nanos,
            name: name.to_owned(),
            attributes: attributes.collect(),
            dropped_attributes_count: 0,
        });
        self
    }

    pub(crate) fn link(mut self, trace: u8, span: u8) -> Self {
        self.span.links.push(proto::span::Link {
            trace_id: vec![trace; 16],
            span_id: vec![span; 8],
            ..proto::span::Link::default()
        });
        self
    }

    pub(crate) fn proto(self) -> proto::Span {
        self.span
    }

    pub(crate) fn try_build(self) -> Result<Span, SpanFault> {
        let resource = Arc::new(Resource::from_proto(self.resource));
        let scope = Arc::new(Scope::from_proto(self.scope));
        Span::from_proto(self.span, &resource, &scope)
    }

    pub(crate) fn build(self) -> Arc<Span> {
        Arc::new(self.try_build().unwrap())
    }
}

fn text_pair(key: &str, text: &str) -> KeyValue {
    pair(key, Value::StringValue(text.to_owned()))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
