//! The thread that ends spans: how long it takes with each pipeline, switched
//! at random within one process, on as many threads as there are cores.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use clap::{Args, ValueEnum as _};
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider,
};
use rum_trace::otlp::Pipeline;
use rustix::time::ClockId;
use serde::{Deserialize, Serialize};

use super::sink::Sink;
use super::{Transport, Variant, cpu_time, median};
use crate::service::sdk::http_exporter;
use crate::service::work::client_attributes;
use crate::{BoxError, say};

/// Of each variant and thread.
const SLICES: usize = 60;
/// Requests in a slice, and spans in a request.
const REQUESTS: u32 = 50;
const SPANS: u32 = 10;
/// Between two requests: caches cool down, and exporters keep up.
const PAUSE: Duration = Duration::from_micros(200);

#[derive(Debug, Clone, Args)]
pub(crate) struct HandSetup {
    #[arg(long)]
    collector: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cost {
    /// Nanoseconds a span.
    pub(super) medians: Vec<(String, f64)>,
}

impl Cost {
    pub(super) fn ns_of(&self, variant: Variant) -> f64 {
        let found = self
            .medians
            .iter()
            .find(|(name, _)| *name == variant.name());
        found.map_or(f64::NAN, |(_, ns)| *ns)
    }
}

pub(super) fn arguments(sink: &Sink) -> Vec<String> {
    let collector = format!("--collector={}", sink.url(Transport::Http));
    vec!["hand".to_owned(), collector]
}

pub(crate) fn run(setup: &HandSetup) -> Result<(), BoxError> {
    let none = SdkTracerProvider::builder().build();
    let sdk = sdk(setup, BatchConfigBuilder::default())?;
    let tuned = BatchConfigBuilder::default()
        .with_max_queue_size(32_768)
        .with_max_export_batch_size(2_048);
    let tuned = self::sdk(setup, tuned)?;
    let ours = Pipeline::builder()
        .ignore_environment()
        .endpoint(&setup.collector)
        .build()?;
    let providers = [&none, &sdk, &tuned, ours.tracer_provider()];
    let tracers = providers.map(|provider| provider.tracer("cost"));
    let times = on_all_cores(&tracers)?;
    let names = Variant::value_variants().iter().map(|it| it.name());
    let medians = names.zip(times.iter().map(|times| median(times))).collect();
    ours.shutdown(Duration::from_secs(20))?;
    say(&serde_json::to_string(&Cost { medians })?);
    Ok(())
}

fn sdk(setup: &HandSetup, config: BatchConfigBuilder) -> Result<SdkTracerProvider, BoxError> {
    let processor = BatchSpanProcessor::builder(http_exporter(&setup.collector, false)?)
        .with_batch_config(config.build())
        .build();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        .build())
}

/// Nanoseconds a span of each slice, sorted, by variant.
fn on_all_cores(tracers: &[SdkTracer; 4]) -> Result<[Vec<f64>; 4], BoxError> {
    let cores = std::thread::available_parallelism()?.get();
    let mut all: [Vec<f64>; 4] = Default::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| slices(tracers)))
            .collect();
        for thread in threads {
            let of_thread = thread.join().map_err(|_| "a measuring thread panicked")?;
            for (variant, ns) in of_thread {
                all[variant].push(ns);
            }
        }
        Ok::<_, BoxError>(())
    })?;
    for times in &mut all {
        times.sort_by(f64::total_cmp);
    }
    Ok(all)
}

fn slices(tracers: &[SdkTracer; 4]) -> Vec<(usize, f64)> {
    let random = RandomState::new();
    let mut order: Vec<usize> = (0..SLICES * 4).collect();
    order.sort_by_cached_key(|number| {
        let mut hasher = random.build_hasher();
        hasher.write_usize(*number);
        hasher.finish()
    });
    let slice = |number: usize| (number % 4, slice(&tracers[number % 4]));
    order.into_iter().map(slice).collect()
}

fn slice(tracer: &SdkTracer) -> f64 {
    let mut took = Duration::ZERO;
    for _ in 0..REQUESTS {
        std::thread::sleep(PAUSE);
        let before = cpu_time(ClockId::ThreadCPUTime);
        for _ in 0..SPANS {
            drop(
                tracer
                    .span_builder("SELECT items")
                    .with_attributes(client_attributes())
                    .start(tracer),
            );
        }
        took += cpu_time(ClockId::ThreadCPUTime) - before;
    }
    took.as_nanos() as f64 / f64::from(REQUESTS * SPANS)
}
