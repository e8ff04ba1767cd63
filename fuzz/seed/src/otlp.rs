//! OTLP bodies with everything in them, in each form that a collector takes.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

/// The same as `request`, as an exporter writes it.
const JSON: &str = r#"{"resourceSpans":[{"resource":{"attributes":[
{"key":"service.name","value":{"stringValue":"shop"}}],"droppedAttributesCount":1},"scopeSpans":[
{"scope":{"name":"rum-trace","version":"1"},"spans":[{"traceId":"01010101010101010101010101010101",
"spanId":"0202020202020202","parentSpanId":"0303030303030303","traceState":"rum=v2","flags":769,
"name":"GET /","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":1700000001000000000,
"attributes":[{"key":"a","value":{"boolValue":true}},{"key":"b","value":{"intValue":"-1"}},
{"key":"c","value":{"doubleValue":0.5}},{"key":"d","value":{"bytesValue":"/wA="}},
{"key":"e","value":{"arrayValue":{"values":[{"stringValue":"\u00fc"},{}]}}},
{"key":"f","value":{"kvlistValue":{"values":[{"key":"g","value":null}]}}}],
"events":[{"timeUnixNano":"5","name":"exception","attributes":[]}],
"links":[{"traceId":"04040404040404040404040404040404","spanId":"0505050505050505","flags":1}],
"status":{"code":2,"message":"no"}}]}]}]}"#;

/// The first byte says how the rest is written, as the target reads it.
pub(crate) fn seeds() -> io::Result<Vec<Vec<u8>>> {
    let mut seeds = Vec::new();
    for (form, body) in [
        (0, request().encode_to_vec()),
        (1, JSON.as_bytes().to_vec()),
    ] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&body)?;
        let compressed = [gzip.finish()?, zstd::encode_all(&*body, 3)?];
        let [gzip, zstd] = compressed;
        let bodies = [(form, body), (form | 2, gzip), (form | 4, zstd)];
        seeds.extend(bodies.map(|(form, body)| [vec![form], body].concat()));
    }
    Ok(seeds)
}

fn request() -> ExportTraceServiceRequest {
    let attributes = [
        Value::StringValue("text".into()),
        Value::BoolValue(true),
        Value::IntValue(-1),
        Value::DoubleValue(0.5),
        Value::BytesValue(vec![255, 0]),
        Value::ArrayValue(ArrayValue {
            values: vec![AnyValue::default()],
        }),
        Value::KvlistValue(KeyValueList {
            values: vec![pair("inner", Value::IntValue(1))],
        }),
    ];
    let attributes: Vec<_> = attributes
        .into_iter()
        .map(|value| pair("key", value))
        .collect();
    let event = Event {
        time_unix_nano: 5,
        name: "exception".into(),
        attributes: attributes.clone(),
        ..Event::default()
    };
    let link = Link {
        trace_id: vec![4; 16],
        span_id: vec![5; 8],
        flags: 1,
        ..Link::default()
    };
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![3; 8],
        trace_state: "rum=v2".into(),
        name: "GET /".into(),
        kind: 2,
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        attributes,
        events: vec![event],
        links: vec![link],
        status: Some(Status {
            code: 2,
            message: "no".into(),
        }),
        ..Span::default()
    };
    let resource = Resource {
        attributes: vec![pair("service.name", Value::StringValue("shop".into()))],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "rum-trace".into(),
        ..InstrumentationScope::default()
    };
    let of_scope = ScopeSpans {
        scope: Some(scope),
        spans: vec![span],
        ..ScopeSpans::default()
    };
    let of_resource = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![of_scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![of_resource],
    }
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
