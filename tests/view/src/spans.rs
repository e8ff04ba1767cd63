//! Traces as a shop's services would export them: of five spans, each of another
//! session.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

pub(crate) const SPANS_OF_A_TRACE: u64 = 5;
/// So many sessions and users there are.
pub(crate) const SESSIONS: u64 = 5_000;
pub(crate) const USERS: u64 = 1_000;
/// Of the paths that differ.
const ITEMS: u64 = 50;

/// So many traces, from that number on. `now` is in nanoseconds since 1970.
pub(crate) fn export(first: u64, count: u64, now: u64) -> ExportTraceServiceRequest {
    let (mut shop, mut stock) = (Vec::new(), Vec::new());
    for number in first..first.saturating_add(count) {
        let start = now.saturating_sub(50_000_000);
        shop.push(tap(number, start));
        shop.push(span(number, 2, 1, SpanKind::Client, "GET", start));
        shop.push(span(number, 3, 1, SpanKind::Internal, "render", start));
        stock.push(span(
            number,
            4,
            2,
            SpanKind::Server,
            "GET /stock/{id}",
            start,
        ));
        stock.push(span(number, 5, 4, SpanKind::Client, "SELECT stock", start));
    }
    ExportTraceServiceRequest {
        resource_spans: vec![of_service("shop", shop), of_service("stock", stock)],
    }
}

/// The SERVER span that continues the phone's.
fn tap(number: u64, start: u64) -> Span {
    let mut span = span(
        number,
        1,
        0x00ff,
        SpanKind::Server,
        "GET /items/{id}",
        start,
    );
    let failed = number % 20 == 0;
    let status = if failed { 500 } else { 200 };
    let item = number % ITEMS;
    span.trace_state = format!(
        "rum=v2&android&shop@1f2e3d&s{}&u{}",
        number % SESSIONS,
        number % USERS
    );
    span.attributes.extend([
        text("http.request.method", "GET".into()),
        text("http.route", "/items/{id}".into()),
        text("url.path", format!("/items/{item}")),
        pair("http.response.status_code", Value::IntValue(status)),
        text("rum.app.id", "shop@1f2e3d".into()),
        text("rum.app.type", "android".into()),
        text("session.id", format!("s{}", number % SESSIONS)),
        text("user.id", format!("u{}", number % USERS)),
    ]);
    if failed {
        span.status = Some(Status {
            code: 2,
            message: "the stock did not answer".into(),
        });
        span.events.push(Event {
            time_unix_nano: start,
            name: "exception".into(),
            attributes: vec![text("exception.message", "the stock did not answer".into())],
            ..Event::default()
        });
    }
    span
}

fn span(number: u64, id: u64, parent: u64, kind: SpanKind, name: &str, start: u64) -> Span {
    let millisecond = 1_000_000_u64;
    let took = millisecond
        .saturating_mul(number % 40)
        .saturating_add(millisecond);
    let trace_id = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Span {
        trace_id: trace_id.to_be_bytes().into(),
        span_id: span_id(number, id),
        parent_span_id: span_id(number, parent),
        flags: 0x101,
        name: name.into(),
        kind: kind.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(took),
        attributes: vec![
            text("server.address", "shop.example".into()),
            pair("server.port", Value::IntValue(8080)),
            text("url.scheme", "http".into()),
            text("user_agent.original", "okhttp/4.12.0".into()),
        ],
        ..Span::default()
    }
}

/// Never zero: both have a bit.
fn span_id(number: u64, id: u64) -> Vec<u8> {
    number
        .wrapping_shl(16)
        .wrapping_add(id)
        .to_be_bytes()
        .into()
}

fn of_service(name: &str, spans: Vec<Span>) -> ResourceSpans {
    let scope = InstrumentationScope {
        name: "rum-trace".into(),
        version: "0.1.0".into(),
        ..Default::default()
    };
    ResourceSpans {
        resource: Some(Resource {
            attributes: vec![
                text("service.name", name.into()),
                text("service.version", "1.4.0".into()),
            ],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope),
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

fn text(key: &str, value: String) -> KeyValue {
    pair(key, Value::StringValue(value))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
