//! The spans of both services.

use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace_testing::{Collector, SpanView};

/// One provider: a collector behind it sees what is exported, and another what
/// ended, sampled or not.
#[derive(Debug)]
pub(crate) struct Spans {
    ended: Collector,
    exported: Collector,
    provider: SdkTracerProvider,
}

impl Spans {
    pub(crate) fn new() -> Self {
        let (ended, exported) = (Collector::new().with_unsampled(), Collector::new());
        let provider = ended
            .provider_builder()
            .with_simple_exporter(exported.exporter())
            .build();
        Spans {
            ended,
            exported,
            provider,
        }
    }

    pub(crate) const fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// The spans of requests for this path.
    pub(crate) fn of(&self, path: &str) -> Vec<SpanView> {
        of(&self.ended, path)
    }

    pub(crate) fn exported(&self, path: &str) -> bool {
        !of(&self.exported, path).is_empty()
    }
}

fn of(collector: &Collector, path: &str) -> Vec<SpanView> {
    let mut spans = collector.spans();
    spans.retain(|span| {
        span.attribute("url.path")
            .is_some_and(|known| known.as_str() == path)
    });
    spans
}
