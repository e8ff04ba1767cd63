//! OpenTelemetry's SDK as all rows have it: a provider whose processor drops the
//! spans, global as well, and the sampler that services have.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use opentelemetry::trace::{Link, SpanKind, TraceId, TracerProvider as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    self, InstrumentKind, ManualReader, SdkMeterProvider, Temporality,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    Sampler, SamplingResult, SdkTracer, SdkTracerProvider, ShouldSample, Span, SpanData,
    SpanProcessor,
};
use rum_trace::otlp::Pipeline;

/// Whether requests without a carrier are sampled.
static ROOTS: AtomicBool = AtomicBool::new(true);
/// Where metrics go.
static METERS: OnceLock<SdkMeterProvider> = OnceLock::new();
/// Whether somebody looks at the spans of rum-trace's pipelines.
static WATCHED: AtomicBool = AtomicBool::new(false);
/// Where spans go instead of nowhere, and whether they do.
static EXPORT: OnceLock<Box<dyn SpanProcessor>> = OnceLock::new();
static EXPORTING: AtomicBool = AtomicBool::new(false);
static EXPORTED: AtomicU64 = AtomicU64::new(0);
/// How many attributes the last span had that ended, and one more; 0 is none.
static LAST: AtomicUsize = AtomicUsize::new(0);

/// The provider, which is the process's global one from the first call on.
pub fn provider() -> &'static SdkTracerProvider {
    static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler())
            .with_span_processor(Drops)
            .build();
        global::set_tracer_provider(provider.clone());
        // The peers' propagator: without it they would continue no trace.
        global::set_text_map_propagator(TraceContextPropagator::new());
        provider
    })
}

/// rum-trace's pipeline, as the README has it, but that its spans go nowhere. Its
/// roots are sampled if those of the provider are when it is asked for.
///
/// # Panics
///
/// If it cannot be built.
pub fn pipeline() -> &'static Pipeline {
    static PIPELINES: [[OnceLock<Pipeline>; 2]; 2] = [const { [const { OnceLock::new() }; 2] }; 2];
    let (roots, watched) = (roots_are_sampled(), WATCHED.load(Ordering::Relaxed));
    PIPELINES[usize::from(roots)][usize::from(watched)].get_or_init(|| {
        let builder = Pipeline::builder()
            .ignore_environment()
            .service_name("shop")
            .without_exporter();
        let builder = if roots {
            builder
        } else {
            builder.sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
        };
        // A processor of one's own has its price: it is there only to look.
        let builder = if watched {
            builder.span_processor(Drops)
        } else {
            builder
        };
        builder.build().expect("the settings are right")
    })
}

/// Has the spans of pipelines that are asked for from now on looked at as well.
pub fn watch() {
    WATCHED.store(true, Ordering::Relaxed);
}

/// A tracer of the provider, of its own type and not boxed.
#[must_use]
pub fn tracer() -> SdkTracer {
    provider().tracer("shop")
}

/// The meter provider, global as well. Its reader collects when [`collect`] says
/// so, so that no collecting gets into the measure.
pub fn meters() -> &'static SdkMeterProvider {
    METERS.get_or_init(|| {
        let reader = OnDemand(Arc::new(ManualReader::builder().build()));
        let meters = SdkMeterProvider::builder().with_reader(reader).build();
        global::set_meter_provider(meters.clone());
        meters
    })
}

/// Collects the metrics, as a service does once a minute.
///
/// # Panics
///
/// If they cannot be collected.
pub fn collect() {
    if let Some(meters) = METERS.get() {
        meters.force_flush().expect("they can be collected");
    }
}

#[derive(Clone, Debug)]
struct OnDemand(Arc<ManualReader>);

impl MetricReader for OnDemand {
    fn register_pipeline(&self, pipeline: Weak<metrics::Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.collect(&mut ResourceMetrics::default())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

/// The SDK's default, for which the roots can be switched.
pub fn sampler() -> Sampler {
    Sampler::ParentBased(Box::new(Roots))
}

/// Has requests without a carrier sampled from now on, or not.
pub fn sample_roots(yes: bool) {
    ROOTS.store(yes, Ordering::Relaxed);
}

/// Whether they are.
pub fn roots_are_sampled() -> bool {
    ROOTS.load(Ordering::Relaxed)
}

/// Keeps the number of attributes of a span that ended.
pub fn ended(attributes: usize) {
    LAST.store(attributes + 1, Ordering::Relaxed);
}

/// How many attributes the last span has that ended since the last call.
pub fn attributes_of_the_last() -> Option<usize> {
    LAST.swap(0, Ordering::Relaxed).checked_sub(1)
}

/// Gives the provider an export, which is off until [`export`] says otherwise.
///
/// # Panics
///
/// If it has one already.
pub fn export_through(processor: impl SpanProcessor + 'static) {
    let set = EXPORT.set(Box::new(processor));
    assert!(set.is_ok(), "there is one export");
}

/// Has spans exported from now on, or dropped.
pub fn export(yes: bool) {
    EXPORTING.store(yes, Ordering::Relaxed);
}

/// Whether they are.
pub fn is_exporting() -> bool {
    EXPORTING.load(Ordering::Relaxed)
}

/// How many spans were handed to the export.
pub fn exported() -> u64 {
    EXPORTED.load(Ordering::Relaxed)
}

/// Sends what waits for its batch.
///
/// # Errors
///
/// What the export's own flush says.
pub fn flush() -> OTelSdkResult {
    EXPORT.get().map_or(Ok(()), |export| export.force_flush())
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
        let sampler = if roots_are_sampled() {
            Sampler::AlwaysOn
        } else {
            Sampler::AlwaysOff
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

/// Drops the spans, or hands them on once there is an export.
#[derive(Debug)]
struct Drops;

impl SpanProcessor for Drops {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        ended(span.attributes.len());
        if is_exporting()
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
