//! A service: its pipeline, its instrumenter, and what its handlers do.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, Span, SpanData, SpanProcessor};
use rum_trace_core::Instrumenter;
use rum_trace_otlp::sampling::SessionSampler;
use rum_trace_otlp::{Pipeline, Stats};

use crate::{PATIENCE, Receiver, wait_until};

/// Whether the pipeline has a span processor of the user's, too: SERVER spans are then
/// the SDK's own, and the sampler is asked by the SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processors {
    /// None.
    Ours,
    /// One that looks on.
    AnotherToo,
}

impl Processors {
    /// Both.
    pub const ALL: [Processors; 2] = [Processors::Ours, Processors::AnotherToo];
}

/// One service's own telemetry.
#[derive(Debug)]
pub struct Service {
    /// Where its spans go.
    pub pipeline: Pipeline,
    /// What its layers have.
    pub instrumenter: Instrumenter,
}

impl Service {
    /// With this sampler, or the default one.
    ///
    /// # Panics
    ///
    /// If the settings are wrong.
    #[must_use]
    pub fn new(
        name: &'static str,
        sampler: Option<SessionSampler>,
        processors: Processors,
        collector: &Receiver,
    ) -> Self {
        let builder = Pipeline::builder()
            .ignore_environment()
            .service_name(name)
            .endpoint(collector.endpoint());
        let builder = match sampler {
            Some(sampler) => builder.sampler(sampler),
            None => builder,
        };
        let builder = match processors {
            Processors::Ours => builder,
            Processors::AnotherToo => builder.span_processor(Onlooker),
        };
        let pipeline = builder.build().expect("settings that are right");
        let instrumenter = Instrumenter::builder()
            .span_starter(pipeline.span_starter())
            .build()
            .expect("settings that are right");
        Service {
            pipeline,
            instrumenter,
        }
    }

    /// What its handlers know.
    #[must_use]
    pub fn site(&self) -> Site {
        Site {
            instrumenter: self.instrumenter.clone(),
            tracer: self.pipeline.tracer_provider().tracer("handlers"),
            next: String::new(),
        }
    }

    /// Waits for the spans that have begun: an answer can be there before its span has
    /// ended.
    pub fn settle(&self) {
        let is_settled = || self.pipeline.stats().open() == 0;
        wait_until("spans end", PATIENCE, is_settled);
    }

    /// The books, after the last span has been acknowledged.
    ///
    /// # Panics
    ///
    /// If one was lost.
    #[must_use]
    pub fn end(self) -> Stats {
        self.settle();
        let stats = self.pipeline.shutdown(PATIENCE).expect("it is sent");
        assert_eq!(stats.lost(), 0, "{stats}");
        assert_eq!(stats.rejected(), 0, "{stats}");
        assert_eq!(stats.exported(), stats.ended(), "{stats}");
        stats
    }
}

/// What handlers do, the same on each framework:
///
/// - `/told/{id}`: the headers that it would send to the next service, a line each.
/// - `/next/{id}`: what [`next`](field@Self::next) answers, called with the framework's client.
/// - `/items/{id}`, by any method: the `tracestate` that came.
/// - `/fails/{id}`: 500, after a span of its own.
/// - `/slow/{id}`: takes some time.
/// - everything else: 200.
#[derive(Clone, Debug)]
pub struct Site {
    /// For the layers.
    pub instrumenter: Instrumenter,
    tracer: SdkTracer,
    /// The URL of the next service's page, less the id.
    pub next: String,
}

impl Site {
    pub(crate) fn told(&self) -> String {
        let mut headers: HashMap<String, String> = HashMap::new();
        let injection = self.instrumenter.injection_to_own_service();
        injection.inject(&Context::current(), &mut headers);
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"));
        lines.collect()
    }

    pub(crate) fn next(&self, id: &str) -> String {
        format!("{}/{id}", self.next)
    }

    pub(crate) fn child(&self) {
        self.tracer.start(child_name()).end();
    }
}

/// The name of the span that a handler starts itself.
#[must_use]
pub const fn child_name() -> &'static str {
    "child"
}

#[derive(Debug)]
struct Onlooker;

impl SpanProcessor for Onlooker {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }
}
