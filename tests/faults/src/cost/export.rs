//! The export side: one process, one pipeline, spans at a steady rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};
use rum_trace::otlp::{Pipeline, Protocol};
use rustix::time::ClockId;
use serde::{Deserialize, Serialize};

use super::sink::Sink;
use super::{Transport, Variant, cpu_time};
use crate::service::sdk::{grpc_exporter, http_exporter};
use crate::service::work::client_attributes;
use crate::{BoxError, say};

/// So many at a time, each millisecond: 50,000 a second.
const BURST: usize = 50;
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Args)]
pub(crate) struct ExportSetup {
    #[arg(long)]
    variant: Variant,
    #[arg(long)]
    transport: Transport,
    #[arg(long)]
    collector: String,
    #[arg(long, default_value_t = 100_000)]
    spans: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) cpu_ns: u64,
    pub(super) exported: u64,
}

pub(super) fn arguments(sink: &Sink, transport: Transport, variant: Variant) -> Vec<String> {
    let transport_name = match transport {
        Transport::Http => "http",
        Transport::Grpc => "grpc",
    };
    vec![
        "export".to_owned(),
        format!("--variant={}", variant.name()),
        format!("--transport={transport_name}"),
        format!("--collector={}", sink.url(transport)),
    ]
}

pub(crate) fn run(setup: &ExportSetup) -> Result<(), BoxError> {
    // The SDK's gRPC exporter lives in a runtime of the service's.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let cost = match setup.variant {
        Variant::Ours => of_ours(setup)?,
        _ => of_sdk(setup, &runtime)?,
    };
    say(&serde_json::to_string(&cost)?);
    Ok(())
}

fn of_ours(setup: &ExportSetup) -> Result<Cost, BoxError> {
    let protocol = match setup.transport {
        Transport::Http => Protocol::HttpProtobuf,
        Transport::Grpc => Protocol::Grpc,
    };
    let pipeline = Pipeline::builder()
        .ignore_environment()
        .service_name("cost")
        .protocol(protocol)
        .endpoint(&setup.collector)
        .build()?;
    let tracer = pipeline.tracer_provider().tracer("cost");
    let mut exported = 0;
    let cpu_ns = of_other_threads(setup.spans, &tracer, || {
        exported = pipeline
            .shutdown(Duration::from_secs(20))
            .map(|it| it.exported())?;
        Ok(())
    })?;
    Ok(Cost { cpu_ns, exported })
}

fn of_sdk(setup: &ExportSetup, runtime: &tokio::runtime::Runtime) -> Result<Cost, BoxError> {
    let inner = {
        let _inside = runtime.enter();
        match setup.transport {
            Transport::Http => runtime_free(|| http_exporter(&setup.collector, false))?,
            Transport::Grpc => grpc_exporter(&setup.collector)?,
        }
    };
    let exported = Arc::new(AtomicU64::new(0));
    let exporter = Counted {
        inner,
        exported: Arc::clone(&exported),
    };
    let mut config = BatchConfigBuilder::default();
    if setup.variant == Variant::SdkTuned {
        config = config
            .with_max_queue_size(32_768)
            .with_max_export_batch_size(2_048);
    }
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config.build())
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .build();
    let tracer = provider.tracer("cost");
    let cpu_ns = of_other_threads(setup.spans, &tracer, || Ok(provider.shutdown()?))?;
    Ok(Cost {
        cpu_ns,
        exported: exported.load(Ordering::Relaxed),
    })
}

/// A blocking client cannot be built in a thread that is within a runtime.
fn runtime_free<T: Send>(build: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(build).join() {
        Ok(built) => built,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Makes spans, ends the pipeline, and tells what all other threads took.
fn of_other_threads(
    spans: usize,
    tracer: &SdkTracer,
    end: impl FnOnce() -> Result<(), BoxError>,
) -> Result<u64, BoxError> {
    let others =
        || cpu_time(ClockId::ProcessCPUTime).saturating_sub(cpu_time(ClockId::ThreadCPUTime));
    let before = others();
    for _ in 0..spans / BURST {
        for _ in 0..BURST {
            drop(
                tracer
                    .span_builder("SELECT items")
                    .with_attributes(client_attributes())
                    .start(tracer),
            );
        }
        std::thread::sleep(PAUSE);
    }
    end()?;
    Ok(u64::try_from((others() - before).as_nanos())?)
}

/// Counts what the collector took.
#[derive(Debug)]
struct Counted<E> {
    inner: E,
    exported: Arc<AtomicU64>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.inner.export(batch).await?;
        self.exported.fetch_add(spans, Ordering::Relaxed);
        Ok(())
    }

    fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        self.inner.set_resource(resource);
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }
}
