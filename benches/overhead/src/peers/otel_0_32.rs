//! OpenTelemetry 0.32, which tracing-actix-web is on: the same set-up as
//! [`sdk`], in the types of that version.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_0_32::trace::{Link, SpanKind, TraceId, TracerProvider as _};
use opentelemetry_0_32::{Context, KeyValue, global};
use opentelemetry_otlp_0_32::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk_0_32::error::OTelSdkResult;
use opentelemetry_sdk_0_32::propagation::TraceContextPropagator;
use opentelemetry_sdk_0_32::trace::{
    BatchSpanProcessor, Sampler, SamplingResult, SdkTracerProvider, ShouldSample, Span, SpanData,
    SpanProcessor,
};
use rum_trace_bench_requests::sdk;
use tracing::Dispatch;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

static EXPORT: OnceLock<BatchSpanProcessor> = OnceLock::new();
static EXPORTED: AtomicU64 = AtomicU64::new(0);

/// The subscriber for its spans.
pub fn subscriber() -> Dispatch {
    let layer = tracing_opentelemetry_0_33::layer().with_tracer(provider().tracer("shop"));
    let subscriber = tracing_subscriber::registry()
        .with(EnvFilter::new("info"))
        .with(layer);
    Dispatch::new(subscriber)
}

/// Gives the provider an export to this collector.
///
/// # Panics
///
/// If it has one, or the exporter cannot be made.
pub fn export_to(endpoint: &str) {
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint);
    let exporter = exporter.build().expect("an exporter can be made");
    let set = EXPORT.set(BatchSpanProcessor::builder(exporter).build());
    assert!(set.is_ok(), "there is one export");
}

/// How many spans were handed to the export.
pub fn exported() -> u64 {
    EXPORTED.load(Ordering::Relaxed)
}

/// Sends what waits for its batch.
///
/// # Errors
///
/// What the processor says.
pub fn flush() -> Result<(), String> {
    let flushed = EXPORT.get().map_or(Ok(()), SpanProcessor::force_flush);
    flushed.map_err(|error| error.to_string())
}

fn provider() -> &'static SdkTracerProvider {
    static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Roots)))
            .with_span_processor(Drops)
            .build();
        global::set_tracer_provider(provider.clone());
        global::set_text_map_propagator(TraceContextPropagator::new());
        provider
    })
}

#[derive(Clone, Debug)]
struct Roots;

impl ShouldSample for Roots {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler = if sdk::roots_are_sampled() {
            Sampler::AlwaysOn
        } else {
            Sampler::AlwaysOff
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

#[derive(Debug)]
struct Drops;

impl SpanProcessor for Drops {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        sdk::ended(span.attributes.len());
        if sdk::is_exporting()
            && let Some(export) = EXPORT.get()
        {
            EXPORTED.fetch_add(1, Ordering::Relaxed);
            export.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
