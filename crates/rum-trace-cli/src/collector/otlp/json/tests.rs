use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value as Json, json};

use common::any_value::Value;

use super::*;

/// The other way round, written from the specification: what a sender sends.
/// `texts` is whether numbers of 64 bits are text, as they must be, or numbers,
/// as they may be.
mod mapping {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    pub(super) fn request(request: &ExportTraceServiceRequest, texts: bool) -> Json {
        let of_resources = request.resource_spans.iter().map(|of_resource| {
            let of_scopes = of_resource.scope_spans.iter().map(|of_scope| {
                json!({
                    "scope": of_scope.scope.as_ref().map(|scope| json!({
                        "name": scope.name, "version": scope.version,
                        "attributes": pairs(&scope.attributes, texts),
                        "droppedAttributesCount": scope.dropped_attributes_count})),
                    "spans": list(&of_scope.spans, |one| span(one, texts)),
                    "schemaUrl": of_scope.schema_url})
            });
            json!({
                "resource": of_resource.resource.as_ref().map(|resource| json!({
                    "attributes": pairs(&resource.attributes, texts),
                    "droppedAttributesCount": resource.dropped_attributes_count})),
                "scopeSpans": of_scopes.collect::<Vec<_>>(),
                "schemaUrl": of_resource.schema_url})
        });
        json!({"resourceSpans": of_resources.collect::<Vec<_>>()})
    }

    fn span(span: &trace::Span, texts: bool) -> Json {
        json!({
            "traceId": hex(&span.trace_id), "spanId": hex(&span.span_id),
            "parentSpanId": hex(&span.parent_span_id), "traceState": span.trace_state,
            "flags": span.flags, "name": span.name, "kind": span.kind,
            "startTimeUnixNano": number(span.start_time_unix_nano, texts),
            "endTimeUnixNano": number(span.end_time_unix_nano, texts),
            "attributes": pairs(&span.attributes, texts),
            "droppedAttributesCount": span.dropped_attributes_count,
            "events": list(&span.events, |event| json!({
                "timeUnixNano": number(event.time_unix_nano, texts), "name": event.name,
                "attributes": pairs(&event.attributes, texts),
                "droppedAttributesCount": event.dropped_attributes_count})),
            "droppedEventsCount": span.dropped_events_count,
            "links": list(&span.links, |link| json!({
                "traceId": hex(&link.trace_id), "spanId": hex(&link.span_id),
                "traceState": link.trace_state, "flags": link.flags,
                "attributes": pairs(&link.attributes, texts),
                "droppedAttributesCount": link.dropped_attributes_count})),
            "droppedLinksCount": span.dropped_links_count,
            "status": span.status.as_ref().map(|status| {
                json!({"message": status.message, "code": status.code})})})
    }

    fn pairs(pairs: &[common::KeyValue], texts: bool) -> Json {
        list(
            pairs,
            |pair| json!({"key": pair.key, "value": pair.value.as_ref().map(|value| any(value, texts))}),
        )
    }

    fn any(value: &common::AnyValue, texts: bool) -> Json {
        match &value.value {
            None => json!({}),
            Some(Value::StringValue(text)) => json!({"stringValue": text}),
            Some(Value::BoolValue(value)) => json!({"boolValue": value}),
            Some(Value::IntValue(value)) => json!({"intValue": number(*value, texts)}),
            Some(Value::DoubleValue(value)) if value.is_nan() => json!({"doubleValue": "NaN"}),
            Some(Value::DoubleValue(value)) if value.is_infinite() => {
                let sign = if *value > 0.0 { "" } else { "-" };
                json!({"doubleValue": format!("{sign}Infinity")})
            }
            Some(Value::DoubleValue(value)) => json!({"doubleValue": value}),
            Some(Value::BytesValue(bytes)) => json!({"bytesValue": STANDARD.encode(bytes)}),
            Some(Value::ArrayValue(array)) => {
                json!({"arrayValue": {"values": list(&array.values, |value| any(value, texts))}})
            }
            Some(Value::KvlistValue(map)) => {
                json!({"kvlistValue": {"values": pairs(&map.values, texts)}})
            }
            Some(Value::StringValueStrindex(_)) => unreachable!("of profiles only"),
        }
    }

    fn list<T>(values: &[T], each: impl FnMut(&T) -> Json) -> Json {
        Json::Array(values.iter().map(each).collect())
    }

    fn number<T: ToString + Into<Json>>(value: T, texts: bool) -> Json {
        if texts {
            json!(value.to_string())
        } else {
            value.into()
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

fn text() -> impl Strategy<Value = String> {
    ".{0,8}"
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=most)
}

fn any_value() -> impl Strategy<Value = common::AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        text().prop_map(|text| Some(Value::StringValue(text))),
        any::<bool>().prop_map(|value| Some(Value::BoolValue(value))),
        any::<i64>().prop_map(|value| Some(Value::IntValue(value))),
        any::<f64>().prop_map(|value| Some(Value::DoubleValue(value))),
        Just(Some(Value::DoubleValue(f64::INFINITY))),
        Just(Some(Value::DoubleValue(f64::NEG_INFINITY))),
        bytes(5).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ];
    let leaf = leaf.prop_map(|value| common::AnyValue { value });
    leaf.prop_recursive(3, 12, 3, |inner| {
        let pair = (text(), proptest::option::of(inner.clone())).prop_map(pair);
        let array =
            vec(inner, 0..3).prop_map(|values| Value::ArrayValue(common::ArrayValue { values }));
        let map =
            vec(pair, 0..3).prop_map(|values| Value::KvlistValue(common::KeyValueList { values }));
        prop_oneof![array, map].prop_map(|value| common::AnyValue { value: Some(value) })
    })
}

fn pair((key, value): (String, Option<common::AnyValue>)) -> common::KeyValue {
    common::KeyValue {
        key,
        value,
        ..common::KeyValue::default()
    }
}

fn attributes() -> impl Strategy<Value = Vec<common::KeyValue>> {
    vec(
        (text(), proptest::option::of(any_value())).prop_map(pair),
        0..3,
    )
}

fn event() -> impl Strategy<Value = trace::span::Event> {
    (any::<u64>(), text(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| trace::span::Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = trace::span::Link> {
    (
        bytes(17),
        bytes(9),
        text(),
        attributes(),
        any::<(u32, u32)>(),
    )
        .prop_map(
            |(trace_id, span_id, trace_state, attributes, (dropped_attributes_count, flags))| {
                trace::span::Link {
                    trace_id,
                    span_id,
                    trace_state,
                    attributes,
                    dropped_attributes_count,
                    flags,
                }
            },
        )
}

fn span() -> impl Strategy<Value = trace::Span> {
    let ids = (bytes(17), bytes(9), bytes(9));
    let texts = (text(), text(), proptest::option::of((text(), any::<i32>())));
    let numbers = any::<(u32, i32, u64, u64, u32, u32, u32)>();
    let lists = (attributes(), vec(event(), 0..3), vec(link(), 0..3));
    (ids, texts, numbers, lists).prop_map(|(ids, texts, numbers, lists)| trace::Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_span_id: ids.2,
        trace_state: texts.0,
        name: texts.1,
        status: texts
            .2
            .map(|(message, code)| trace::Status { message, code }),
        flags: numbers.0,
        kind: numbers.1,
        start_time_unix_nano: numbers.2,
        end_time_unix_nano: numbers.3,
        dropped_attributes_count: numbers.4,
        dropped_events_count: numbers.5,
        dropped_links_count: numbers.6,
        attributes: lists.0,
        events: lists.1,
        links: lists.2,
    })
}

fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope = (text(), text(), attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| common::InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    let of_scope = (proptest::option::of(scope), vec(span(), 0..3), text()).prop_map(
        |(scope, spans, schema_url)| trace::ScopeSpans {
            scope,
            spans,
            schema_url,
        },
    );
    let resource =
        (attributes(), any::<u32>()).prop_map(|(attributes, dropped_attributes_count)| {
            resource::Resource {
                attributes,
                dropped_attributes_count,
                ..Default::default()
            }
        });
    let of_resource = (proptest::option::of(resource), vec(of_scope, 0..3), text()).prop_map(
        |(resource, scope_spans, schema_url)| trace::ResourceSpans {
            resource,
            scope_spans,
            schema_url,
        },
    );
    vec(of_resource, 0..2).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What is sent as JSON is what is sent as protobuf.
    #[test]
    fn json_decodes_to_what_protobuf_decodes_to(sent in request(), texts: bool) {
        let by_protobuf = ExportTraceServiceRequest::decode(&*sent.encode_to_vec()).unwrap();
        let json = mapping::request(&sent, texts);
        let by_json = decode(json.to_string().as_bytes()).unwrap();
        // By their bytes: NaN is not the same as itself.
        prop_assert_eq!(by_json.encode_to_vec(), by_protobuf.encode_to_vec(), "{}", json);
    }
}

fn one_span(fields: &str) -> Result<trace::Span, String> {
    let text = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
    let request = decode(text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(request.resource_spans[0].scope_spans[0].spans[0].clone())
}

fn one_value(value: &str) -> Result<Option<Value>, String> {
    let span = one_span(&format!(r#""attributes":[{{"key":"k","value":{value}}}]"#))?;
    Ok(span.attributes[0]
        .value
        .clone()
        .and_then(|value| value.value))
}

#[test]
fn numbers_may_be_written_in_several_ways() {
    for written in ["7", "\"7\"", "7.0", "\"7.0\"", "70e-1", "\"7e0\""] {
        let span = one_span(&format!(
            r#""startTimeUnixNano":{written},"flags":{written}"#
        ));
        let span = span.unwrap();
        assert_eq!((span.start_time_unix_nano, span.flags), (7, 7), "{written}");
        let found = one_value(&format!(r#"{{"intValue":{written}}}"#));
        assert_eq!(found, Ok(Some(Value::IntValue(7))), "{written}");
    }
    let most = one_span(r#""endTimeUnixNano":"18446744073709551615""#).unwrap();
    assert_eq!(most.end_time_unix_nano, u64::MAX);
    for (written, number) in [
        ("1", 1.0),
        ("\"1.5\"", 1.5),
        ("-2", -2.0),
        ("\"-Infinity\"", f64::NEG_INFINITY),
    ] {
        let found = one_value(&format!(r#"{{"doubleValue":{written}}}"#));
        assert_eq!(found, Ok(Some(Value::DoubleValue(number))), "{written}");
    }
}

#[test]
fn bytes_may_be_written_in_several_ways() {
    for written in ["+/8=", "-_8=", "+/8", "-_8"] {
        let found = one_value(&format!(r#"{{"bytesValue":"{written}"}}"#));
        assert_eq!(
            found,
            Ok(Some(Value::BytesValue(vec![0xfb, 0xff]))),
            "{written}"
        );
    }
}

#[test]
fn what_is_not_known_is_skipped_and_null_is_nothing() {
    let span = one_span(
        r#""traceId":"0AfF","name":null,"links":null,"status":null,"flags":null,"kind":null,
           "later":{"a":[1,{"b":null}]},"trace_id":"00","attributes":[{"key":null,"value":null,"x":1}]"#,
    );
    let span = span.unwrap();
    assert_eq!(span.trace_id, [0x0a, 0xff]);
    assert_eq!(
        (&*span.name, span.status, span.attributes.len()),
        ("", None, 1)
    );
    assert_eq!(
        one_value(r#"{"stringValue":null,"laterValue":[1],"intValue":"1"}"#),
        Ok(Some(Value::IntValue(1)))
    );
    assert_eq!(one_value("{}"), Ok(None));
    assert_eq!(decode(b"{}").unwrap(), ExportTraceServiceRequest::default());
}

#[test]
fn what_the_mapping_does_not_allow_is_refused() {
    for fields in [
        r#""traceId":"0g""#,
        r#""traceId":"abc""#,
        r#""traceId":12"#,
        r#""kind":"SPAN_KIND_SERVER""#,
        r#""kind":99999999999"#,
        r#""startTimeUnixNano":-1"#,
        r#""startTimeUnixNano":1.5"#,
        r#""startTimeUnixNano":"18446744073709551616""#,
        r#""startTimeUnixNano":"1e400""#,
        r#""startTimeUnixNano":"NaN""#,
        r#""startTimeUnixNano":true"#,
        r#""flags":4294967296"#,
        r#""name":1"#,
        r#""name":"a","name":"b""#,
        r#""attributes":{}"#,
        r#""attributes":[null]"#,
        r#""attributes":[1]"#,
        r#""attributes":[[]]"#,
        r#""events":[["1","a"]]"#,
        r#""links":[[]]"#,
        r#""status":[]"#,
    ] {
        assert!(one_span(fields).is_err(), "{fields}");
    }
    for value in [
        r#"{"intValue":"x"}"#,
        r#"{"intValue":9223372036854775808}"#,
        r#"{"intValue":1,"stringValue":"a"}"#,
        r#"{"doubleValue":"inf"}"#,
        r#"{"doubleValue":"nan"}"#,
        r#"{"boolValue":"true"}"#,
        r#"{"bytesValue":"*"}"#,
        r#"{"bytesValue":"A"}"#,
        r#"{"arrayValue":[1]}"#,
        r#"{"arrayValue":[]}"#,
        r#"{"arrayValue":{"values":[[]]}}"#,
        r#"{"kvlistValue":{"values":[[]]}}"#,
        r#""text""#,
    ] {
        assert!(one_value(value).is_err(), "{value}");
    }
    for body in [
        &b""[..],
        b"[]",
        b"null",
        b"{} {}",
        b"{\"resourceSpans\":{}}",
        b"{\"resourceSpans\":[[]]}",
        b"\xef\xbb\xbf{}",
    ] {
        assert!(decode(body).is_err(), "{body:?}");
    }
}

#[test]
fn nesting_ends_before_the_stack_does() {
    let deep = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(3_000), "{}");
    assert!(one_value(&deep).unwrap_err().contains("recursion"));
    // Skipped without a stack.
    let unknown = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(one_value(&format!("{{\"x\":{unknown}}}")), Ok(None));
}
