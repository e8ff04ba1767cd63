//! The spans of both services.

use std::time::Duration;

use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider, SpanProcessor};
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

    /// Sends what was exported to this Collector.
    pub(crate) async fn send(&self, endpoint: &str) -> Result<(), BoxError> {
        let otlp = SpanExporter::builder().with_http();
        let otlp = otlp.with_endpoint(format!("{endpoint}/v1/traces"));
        let otlp = otlp.with_timeout(PATIENCE);
        let spans = self.exported.spans();
        // It blocks until the Collector has answered.
        let sent = tokio::task::spawn_blocking(move || -> Result<(), BoxError> {
            let mut processor = BatchSpanProcessor::builder(otlp.build()?).build();
            processor.set_resource(&Resource::builder_empty().with_service_name("page").build());
            for span in spans {
                processor.on_end(span.data().clone());
            }
            Ok(processor.shutdown()?)
        });
        sent.await?
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
