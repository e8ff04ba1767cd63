//! What the tests share: a request, and an instrumenter whose spans can be seen.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    missing_docs,
    reason = "each test uses its part"
)]

mod carrier;
mod log;
mod request;

use std::collections::HashMap;

pub use carrier::Lines;
pub use log::{Line, Log};
use opentelemetry::Value;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, SdkTracerProvider, ShouldSample, SpanData, TracerProviderBuilder,
};
pub use request::Request;
pub use rum_trace_core::RequestInfo;
use rum_trace_core::{Injection, Instrumenter, InstrumenterBuilder};

pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub const SPAN: &str = "00f067aa0ba902b7";
pub const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// Java's vector: trace `3.4.5`, segment `1.2.3`, span 4.
pub const SW8: &str =
    "1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW5zdGFuY2U=-L2FwcA==-MTI3LjAuMC4xOjgwODA=";
pub const SW8_TRACE: &str = "60357c4f0d42324abbbdf950a57ba777";
pub const SW8_SPAN: &str = "c07f5b18b8a430e6";
pub const RUM: &str = "rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1";

pub struct Harness {
    pub instrumenter: Instrumenter,
    pub provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
}

impl Harness {
    pub fn new() -> Self {
        Harness::with(|builder| builder)
    }

    pub fn with(set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder) -> Self {
        Harness::on(SdkTracerProvider::builder(), set)
    }

    pub fn sampling(sampler: impl ShouldSample + 'static) -> Self {
        Harness::sampling_with(sampler, |builder| builder)
    }

    pub fn sampling_with(
        sampler: impl ShouldSample + 'static,
        set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        Harness::on(SdkTracerProvider::builder().with_sampler(sampler), set)
    }

    fn on(
        provider: TracerProviderBuilder,
        set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = provider.with_simple_exporter(exporter.clone()).build();
        let builder = Instrumenter::builder().tracer_provider(&provider);
        let instrumenter = set(builder).build().expect("settings are right");
        Harness {
            instrumenter,
            provider,
            exporter,
        }
    }

    /// Serves a request with 200, and returns its span.
    pub fn serve(&self, request: &Request) -> SpanData {
        self.serve_status(request, 200)
            .expect("the span is exported")
    }

    /// Serves a request with a status, and returns its span if it is exported.
    pub fn serve_status(&self, request: &Request, status: u16) -> Option<SpanData> {
        let mut active = self.instrumenter.start(request);
        active.on_response(&status);
        active.finish();
        self.take_span()
    }

    /// All spans since the last time, in the order in which they ended.
    pub fn spans(&self) -> Vec<SpanData> {
        let spans = self.exporter.get_finished_spans().expect("spans");
        self.exporter.reset();
        spans
    }

    /// The one span since the last time, if there is one.
    pub fn take_span(&self) -> Option<SpanData> {
        let mut spans = self.exporter.get_finished_spans().expect("spans");
        self.exporter.reset();
        assert!(spans.len() <= 1, "one span at most: {spans:#?}");
        spans.pop()
    }
}

/// The span's attributes, by name, as text.
pub fn attributes(span: &SpanData) -> HashMap<String, String> {
    let text = |value: &Value| match value {
        Value::Array(array) => array.to_string(),
        other => other.as_str().into_owned(),
    };
    let attributes: HashMap<_, _> = span
        .attributes
        .iter()
        .map(|kv| (kv.key.to_string(), text(&kv.value)))
        .collect();
    assert_eq!(
        attributes.len(),
        span.attributes.len(),
        "no attribute twice: {span:#?}"
    );
    attributes
}

/// `trace/parent`, for comparing at a glance.
pub fn lineage(span: &SpanData) -> String {
    format!("{}/{}", span.span_context.trace_id(), span.parent_span_id)
}

pub fn is_new_trace(span: &SpanData) -> bool {
    !span.parent_span_is_remote && span.parent_span_id == opentelemetry::SpanId::INVALID
}

/// What goes to the next service from within a request.
pub fn injected(
    harness: &Harness,
    request: &Request,
    injection: Injection<'_>,
) -> (HashMap<String, String>, SpanContext) {
    let active = harness.instrumenter.start(request);
    let mut headers = HashMap::new();
    injection.inject(active.context(), &mut headers);
    let span = active.context().span().span_context().clone();
    active.finish();
    harness.take_span();
    (headers, span)
}
