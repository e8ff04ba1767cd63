//! What a server tells: every span that was started or ended, and the metrics.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use tokio::sync::watch;

use crate::metrics::Metrics;

/// The providers of one server, and what they were told.
#[derive(Clone, Debug)]
pub struct Telemetry {
    spans: Spans,
    tracer_provider: SdkTracerProvider,
    exporter: InMemoryMetricExporter,
    meter_provider: SdkMeterProvider,
}

impl Default for Telemetry {
    fn default() -> Self {
        let spans = Spans::default();
        let exporter = InMemoryMetricExporter::default();
        Telemetry {
            tracer_provider: SdkTracerProvider::builder()
                .with_span_processor(spans.clone())
                .build(),
            meter_provider: SdkMeterProvider::builder()
                .with_periodic_exporter(exporter.clone())
                .build(),
            spans,
            exporter,
        }
    }
}

impl Telemetry {
    /// The provider of the spans.
    #[must_use]
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.tracer_provider
    }

    /// The provider of the metrics.
    #[must_use]
    pub fn meter_provider(&self) -> &SdkMeterProvider {
        &self.meter_provider
    }

    /// The spans.
    #[must_use]
    pub fn spans(&self) -> &Spans {
        &self.spans
    }

    /// The metrics as they are now, since the start.
    ///
    /// # Panics
    ///
    /// If the SDK cannot export into memory.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.exporter.reset();
        self.meter_provider.force_flush().expect("it exports");
        let exported = self.exporter.get_finished_metrics().expect("its lock");
        Metrics::read(exported.last())
    }
}

/// A span processor that keeps everything.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    started: AtomicUsize,
    ended: Mutex<Vec<SpanData>>,
    count: watch::Sender<usize>,
}

impl Spans {
    /// How many were started.
    #[must_use]
    pub fn started(&self) -> usize {
        self.shared.started.load(Ordering::SeqCst)
    }

    /// Those that have ended, in the order in which they did.
    #[must_use]
    pub fn ended(&self) -> Vec<SpanData> {
        self.lock().clone()
    }

    /// Waits until so many have ended.
    ///
    /// # Panics
    ///
    /// Never: what is counted lives as long as what counts.
    pub async fn wait_for(&self, count: usize) -> Vec<SpanData> {
        let mut ended = self.shared.count.subscribe();
        let enough = ended.wait_for(|ended| *ended >= count).await;
        enough.expect("the sender is in `self`");
        self.ended()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SpanData>> {
        self.shared
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for Spans {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {
        self.shared.started.fetch_add(1, Ordering::SeqCst);
    }

    fn on_end(&self, span: SpanData) {
        self.lock().push(span);
        self.shared.count.send_modify(|ended| *ended += 1);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
