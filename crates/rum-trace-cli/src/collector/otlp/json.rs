//! The JSON mapping of OTLP: protobuf's own, but for ids in hex and enums as
//! numbers only. (OTLP specification 1.x, section JSON Protobuf Encoding.)
//!
//! Names are those in lowerCamelCase only, and what is not known is skipped. A
//! `null` is as good as nothing.

mod fields;
mod value;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as trace;
use serde::Deserialize;

use fields::{Enum, Hex, Message, Number, nullable};
use value::{KeyValue, pairs};

pub(super) fn decode(body: &[u8]) -> Result<ExportTraceServiceRequest, serde_json::Error> {
    let Message(request): Message<Request> = serde_json::from_slice(body)?;
    Ok(ExportTraceServiceRequest {
        resource_spans: all(request.resource_spans),
    })
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request {
    #[serde(deserialize_with = "nullable")]
    resource_spans: Vec<Message<ResourceSpans>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceSpans {
    resource: Option<Message<Resource>>,
    #[serde(deserialize_with = "nullable")]
    scope_spans: Vec<Message<ScopeSpans>>,
    #[serde(deserialize_with = "nullable")]
    schema_url: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Resource {
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<Message<KeyValue>>,
    #[serde(deserialize_with = "nullable")]
    dropped_attributes_count: Number<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeSpans {
    scope: Option<Message<Scope>>,
    #[serde(deserialize_with = "nullable")]
    spans: Vec<Message<Span>>,
    #[serde(deserialize_with = "nullable")]
    schema_url: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Scope {
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(deserialize_with = "nullable")]
    version: String,
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<Message<KeyValue>>,
    #[serde(deserialize_with = "nullable")]
    dropped_attributes_count: Number<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Span {
    #[serde(deserialize_with = "nullable")]
    trace_id: Hex,
    #[serde(deserialize_with = "nullable")]
    span_id: Hex,
    #[serde(deserialize_with = "nullable")]
    trace_state: String,
    #[serde(deserialize_with = "nullable")]
    parent_span_id: Hex,
    #[serde(deserialize_with = "nullable")]
    flags: Number<u32>,
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(deserialize_with = "nullable")]
    kind: Enum,
    #[serde(deserialize_with = "nullable")]
    start_time_unix_nano: Number<u64>,
    #[serde(deserialize_with = "nullable")]
    end_time_unix_nano: Number<u64>,
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<Message<KeyValue>>,
    #[serde(deserialize_with = "nullable")]
    dropped_attributes_count: Number<u32>,
    #[serde(deserialize_with = "nullable")]
    events: Vec<Message<Event>>,
    #[serde(deserialize_with = "nullable")]
    dropped_events_count: Number<u32>,
    #[serde(deserialize_with = "nullable")]
    links: Vec<Message<Link>>,
    #[serde(deserialize_with = "nullable")]
    dropped_links_count: Number<u32>,
    status: Option<Message<Status>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    #[serde(deserialize_with = "nullable")]
    time_unix_nano: Number<u64>,
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<Message<KeyValue>>,
    #[serde(deserialize_with = "nullable")]
    dropped_attributes_count: Number<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Link {
    #[serde(deserialize_with = "nullable")]
    trace_id: Hex,
    #[serde(deserialize_with = "nullable")]
    span_id: Hex,
    #[serde(deserialize_with = "nullable")]
    trace_state: String,
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<Message<KeyValue>>,
    #[serde(deserialize_with = "nullable")]
    dropped_attributes_count: Number<u32>,
    #[serde(deserialize_with = "nullable")]
    flags: Number<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "nullable")]
    message: String,
    #[serde(deserialize_with = "nullable")]
    code: Enum,
}

fn all<T, U: From<T>>(values: Vec<Message<T>>) -> Vec<U> {
    values.into_iter().map(|value| value.0.into()).collect()
}

impl From<ResourceSpans> for trace::ResourceSpans {
    fn from(json: ResourceSpans) -> Self {
        Self {
            resource: json.resource.map(|value| value.0.into()),
            scope_spans: all(json.scope_spans),
            schema_url: json.schema_url,
        }
    }
}

impl From<Resource> for resource::Resource {
    fn from(json: Resource) -> Self {
        Self {
            attributes: pairs(json.attributes),
            dropped_attributes_count: json.dropped_attributes_count.0,
            // Nothing here is made of them.
            entity_refs: Vec::new(),
        }
    }
}

impl From<ScopeSpans> for trace::ScopeSpans {
    fn from(json: ScopeSpans) -> Self {
        Self {
            scope: json.scope.map(|value| value.0.into()),
            spans: all(json.spans),
            schema_url: json.schema_url,
        }
    }
}

impl From<Scope> for common::InstrumentationScope {
    fn from(json: Scope) -> Self {
        Self {
            name: json.name,
            version: json.version,
            attributes: pairs(json.attributes),
            dropped_attributes_count: json.dropped_attributes_count.0,
        }
    }
}

impl From<Span> for trace::Span {
    fn from(json: Span) -> Self {
        Self {
            trace_id: json.trace_id.0,
            span_id: json.span_id.0,
            trace_state: json.trace_state,
            parent_span_id: json.parent_span_id.0,
            flags: json.flags.0,
            name: json.name,
            kind: json.kind.0,
            start_time_unix_nano: json.start_time_unix_nano.0,
            end_time_unix_nano: json.end_time_unix_nano.0,
            attributes: pairs(json.attributes),
            dropped_attributes_count: json.dropped_attributes_count.0,
            events: all(json.events),
            dropped_events_count: json.dropped_events_count.0,
            links: all(json.links),
            dropped_links_count: json.dropped_links_count.0,
            status: json.status.map(|value| value.0.into()),
        }
    }
}

impl From<Event> for trace::span::Event {
    fn from(json: Event) -> Self {
        Self {
            time_unix_nano: json.time_unix_nano.0,
            name: json.name,
            attributes: pairs(json.attributes),
            dropped_attributes_count: json.dropped_attributes_count.0,
        }
    }
}

impl From<Link> for trace::span::Link {
    fn from(json: Link) -> Self {
        Self {
            trace_id: json.trace_id.0,
            span_id: json.span_id.0,
            trace_state: json.trace_state,
            attributes: pairs(json.attributes),
            dropped_attributes_count: json.dropped_attributes_count.0,
            flags: json.flags.0,
        }
    }
}

impl From<Status> for trace::Status {
    fn from(json: Status) -> Self {
        Self {
            message: json.message,
            code: json.code.0,
        }
    }
}

#[cfg(test)]
mod tests;
