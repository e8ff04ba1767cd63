//! The SDK alone: what any instrumentation on top of it pays, as a layer of a
//! few lines. It extracts, starts a SERVER span with 12 attributes, and has it
//! attached while the handler runs.

use std::net::SocketAddr;

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracer;
use rum_trace::propagation::TraceParent;

use crate::load::ROUTE;
use crate::sdk;

/// What a span is made of, on either framework.
pub trait Asked: Extractor {
    /// The request's method.
    fn method(&self) -> &str;
    /// Its path.
    fn path(&self) -> &str;
    /// The client's end of the connection.
    fn peer(&self) -> Option<SocketAddr>;
}

/// Starts the spans.
#[derive(Clone, Debug)]
pub enum Alone {
    /// As one writes it by the book: the SDK's propagator, an owned text for
    /// each attribute.
    Usual(SdkTracer),
    /// The least that the SDK lets one do: our own parser, static texts, a vector
    /// that never grows, and no attributes where nobody will see them.
    Lean(SdkTracer),
}

impl Alone {
    /// As one writes it by the book.
    #[must_use]
    pub fn usual() -> Self {
        Alone::Usual(sdk::tracer())
    }

    /// The least that the SDK lets one do.
    #[must_use]
    pub fn lean() -> Self {
        Alone::Lean(sdk::tracer())
    }

    /// The context of a request's handler, with the span in it.
    pub fn start(&self, asked: &impl Asked) -> Context {
        match self {
            Alone::Usual(tracer) => usual(tracer, asked),
            Alone::Lean(tracer) => lean(tracer, asked),
        }
    }
}

/// Ends the span of this context.
pub fn end(cx: &Context, status: u16) {
    let span = cx.span();
    span.set_attribute(KeyValue::new(
        "http.response.status_code",
        i64::from(status),
    ));
    span.end();
}

fn usual(tracer: &SdkTracer, asked: &impl Asked) -> Context {
    let parent = TraceContextPropagator::new().extract(asked);
    let owned = |name: &'static str, value: &str| KeyValue::new(name, value.to_owned());
    let mut attributes = vec![
        owned("http.request.method", asked.method()),
        owned("http.route", ROUTE),
        owned("url.path", asked.path()),
        owned("url.scheme", "http"),
        owned("network.protocol.version", "1.1"),
    ];
    if let Some((host, port)) = asked.get("host").and_then(server) {
        attributes.push(owned("server.address", host));
        attributes.push(KeyValue::new("server.port", port));
    }
    if let Some(agent) = asked.get("user-agent") {
        attributes.push(owned("user_agent.original", agent));
    }
    if let Some(peer) = asked.peer() {
        let ip = peer.ip().to_string();
        attributes.push(KeyValue::new("client.address", ip.clone()));
        attributes.push(KeyValue::new("network.peer.address", ip));
        attributes.push(KeyValue::new("network.peer.port", i64::from(peer.port())));
    }
    let span = tracer
        .span_builder(format!("{} {ROUTE}", asked.method()))
        .with_kind(SpanKind::Server)
        .with_attributes(attributes)
        .start_with_context(tracer, &parent);
    parent.with_span(span)
}

fn lean(tracer: &SdkTracer, asked: &impl Asked) -> Context {
    let parent = lean_parent(asked);
    // A root is recorded if the sampler says so, which here is a switch.
    let recorded = parent
        .as_ref()
        .map_or_else(sdk::roots_are_sampled, SpanContext::is_sampled);
    let mut span = SpanBuilder::from_name(static_name(asked.method())).with_kind(SpanKind::Server);
    if recorded {
        span.attributes = Some(lean_attributes(asked));
    }
    let parent = match parent {
        Some(parent) => Context::new().with_remote_span_context(parent),
        None => Context::new(),
    };
    parent.with_span(tracer.build_with_context(span, &parent))
}

fn lean_parent(asked: &impl Asked) -> Option<SpanContext> {
    let parent = TraceParent::parse(asked.get("traceparent")?.as_bytes()).ok()?;
    let member = asked
        .get("tracestate")
        .and_then(|list| list.split_once('='));
    let state = member.and_then(|member| TraceState::from_key_value([member]).ok());
    Some(SpanContext::new(
        TraceId::from(u128::from_be_bytes(parent.trace_id().to_bytes())),
        SpanId::from(u64::from_be_bytes(parent.parent_id().to_bytes())),
        TraceFlags::new(parent.flags().bits()),
        true,
        state.unwrap_or_default(),
    ))
}

fn lean_attributes(asked: &impl Asked) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(12);
    attributes.extend([
        KeyValue::new("http.request.method", static_method(asked.method())),
        KeyValue::new("http.route", ROUTE),
        KeyValue::new("url.path", asked.path().to_owned()),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("network.protocol.version", "1.1"),
    ]);
    if let Some((host, port)) = asked.get("host").and_then(server) {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
        attributes.push(KeyValue::new("server.port", port));
    }
    if let Some(agent) = asked.get("user-agent") {
        attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
    }
    if let Some(peer) = asked.peer() {
        let ip = peer.ip().to_string();
        attributes.push(KeyValue::new("client.address", ip.clone()));
        attributes.push(KeyValue::new("network.peer.address", ip));
        attributes.push(KeyValue::new("network.peer.port", i64::from(peer.port())));
    }
    attributes
}

fn server(host: &str) -> Option<(&str, i64)> {
    let (host, port) = host.split_once(':')?;
    Some((host, port.parse().ok()?))
}

fn static_method(method: &str) -> &'static str {
    if method == "GET" { "GET" } else { "_OTHER" }
}

fn static_name(method: &str) -> &'static str {
    if method == "GET" {
        "GET /users/{id}"
    } else {
        "HTTP"
    }
}
