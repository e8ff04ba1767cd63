//! What the tests share: clients whose spans can be seen, and servers on the
//! loopback interface.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    missing_docs,
    reason = "each test uses its part"
)]

mod raw;
mod server;

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
pub use raw::RawServer;
use reqwest_middleware::ClientWithMiddleware;
use rum_trace_core::{ActiveRequest, Instrumenter, InstrumenterBuilder, RequestInfo};
pub use server::{Seen, Server, answer, redirect};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
pub const RUM: &str = "rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1";

/// A name that no own host has; each server answers to it on its port.
pub const STRANGER: &str = "stranger.example";
/// A name that is made an own host, and no internal one.
pub const OWN: &str = "stock.shop.example";

pub struct Harness {
    pub instrumenter: Instrumenter,
    exporter: InMemorySpanExporter,
}

impl Harness {
    pub fn new() -> Self {
        Harness::with(|builder| builder)
    }

    pub fn with(set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder) -> Self {
        Harness::sampling_with(Sampler::AlwaysOn, set)
    }

    pub fn sampling_with(
        sampler: Sampler,
        set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_simple_exporter(exporter.clone())
            .build();
        let builder = Instrumenter::builder()
            .tracer_provider(&provider)
            .own_host("*.shop.example");
        let instrumenter = set(builder).build().expect("settings are right");
        Harness {
            instrumenter,
            exporter,
        }
    }

    pub fn client(&self, to: SocketAddr) -> ClientWithMiddleware {
        let client = rum_trace_reqwest::client(http(to), self.instrumenter.clone());
        client.expect("a client")
    }

    /// A request that came in from a phone or browser, being served.
    pub fn inbound(&self, tracestate: &str) -> ActiveRequest {
        self.instrumenter.start(&Inbound(vec![
            ("traceparent", TRACEPARENT.to_owned()),
            ("tracestate", tracestate.to_owned()),
        ]))
    }

    /// All spans since the last time, in the order in which they ended.
    pub fn spans(&self) -> Vec<SpanData> {
        let spans = self.exporter.get_finished_spans().expect("spans");
        self.exporter.reset();
        spans
    }

    pub fn one(&self) -> SpanData {
        let mut spans = self.spans();
        assert_eq!(spans.len(), 1, "{spans:#?}");
        spans.remove(0)
    }
}

/// reqwest's builder, for which all names are at this address.
pub fn http(to: SocketAddr) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .resolve(STRANGER, to)
        .resolve(OWN, to)
}

struct Inbound(Vec<(&'static str, String)>);

impl RequestInfo for Inbound {
    fn method(&self) -> &str {
        "GET"
    }
    fn path(&self) -> &str {
        "/checkout"
    }
    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in &self.0 {
            visit(name, value.as_bytes());
        }
    }
}

/// Runs a future in a context, and not for ever.
pub async fn within<F: Future>(cx: &Context, future: F) -> F::Output {
    use opentelemetry::context::FutureExt;
    in_time(future.with_context(cx.clone())).await
}

pub async fn in_time<F: Future>(future: F) -> F::Output {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.expect("in time")
}

pub fn attributes(span: &SpanData) -> HashMap<String, String> {
    span.attributes
        .iter()
        .map(|kv| (kv.key.to_string(), kv.value.to_string()))
        .collect()
}

pub fn text(span: &SpanData, name: &str) -> Option<String> {
    attributes(span).remove(name)
}
