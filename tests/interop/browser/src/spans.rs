//! The spans of both services.

use std::time::Duration;

use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace_testing::{Collector, SpanView};

use crate::BoxError;

/// How long the Collector may take. A guard against hanging, no more.
const PATIENCE: Duration = Duration::from_secs(20);

/// One provider: a collector behind it sees what is exported, and another what
/// ended, sampled or not.
#[derive(Debug)]
pub(crate) struct Spans {
    ended: Collector,
    exported: Collector,
    provider: SdkTracerProvider,
}

impl Spans {
    /// What is exported goes to this Collector, too.
    pub(crate) fn new(endpoint: Option<&str>) -> Result<Self, BoxError> {
        let (ended, exported) = (Collector::new().with_unsampled(), Collector::new());
        let mut builder = ended
            .provider_builder()
            .with_simple_exporter(exported.exporter())
            .with_resource(Resource::builder_empty().with_service_name("page").build());
        if let Some(endpoint) = endpoint {
            let otlp = SpanExporter::builder().with_http();
            let otlp = otlp.with_endpoint(format!("{endpoint}/v1/traces"));
            builder = builder.with_batch_exporter(otlp.with_timeout(PATIENCE).build()?);
        }
        Ok(Spans {
            ended,
            exported,
            provider: builder.build(),
        })
    }

    /// Whatever has ended is exported.
    pub(crate) async fn flush(&self) -> Result<(), BoxError> {
        let provider = self.provider.clone();
        // It blocks until the Collector has answered.
        tokio::task::spawn_blocking(move || provider.force_flush()).await??;
        Ok(())
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
