//! The service with the SDK's own pipeline, as its documentation sets it up.

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{
    Compression, Protocol, SpanExporter as OtlpExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter,
};
use tokio::runtime::Runtime;
use tracing::Metadata;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{self, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::panicking::Panicking;
use super::work::{self, Work};
use super::{Setup, greet, runtime, signals};
use crate::report::{Books, Farewell};

/// The fates that can be learned of the SDK's spans at all: by an exporter
/// wrapped around its own, and from the log line at its shutdown. Its users
/// have the log line.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    exported: AtomicU64,
    failed: AtomicU64,
    queue_full: AtomicU64,
}

impl Fates {
    fn books(&self, created: u64) -> Books {
        let failed = self.failed.load(Ordering::Relaxed);
        let queue_full = self.queue_full.load(Ordering::Relaxed);
        let dropped = [("export_failed", failed), ("queue_full", queue_full)];
        Books {
            created,
            ended: created,
            exported: self.exported.load(Ordering::Relaxed),
            dropped: dropped
                .into_iter()
                .filter(|(_, spans)| *spans > 0)
                .map(|(reason, spans)| (reason.to_owned(), spans))
                .collect(),
            ..Books::default()
        }
    }
}

pub(crate) fn run(setup: &Setup) -> Result<Farewell, Box<dyn Error + Send + Sync>> {
    let fates = Arc::new(Fates::default());
    tracing_subscriber::registry()
        .with(DroppedSpans(Arc::clone(&fates)))
        .try_init()?;
    let runtime = runtime()?;
    let provider = provider(setup, &runtime, Arc::clone(&fates))?;
    let told = Arc::clone(&fates);
    let work = Arc::new(Work {
        tracer: Some(provider.tracer("faults")),
        spans: setup.spans,
        created: 0.into(),
        books: Box::new(move |created| told.books(created)),
    });
    runtime.block_on(serve(setup, Arc::clone(&work)))?;
    let shutdown = provider.shutdown().map_err(|error| error.to_string());
    Ok(Farewell {
        books: work.books(),
        shutdown,
    })
}

async fn serve(setup: &Setup, work: Arc<Work>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    greet(listener.local_addr()?.port())?;
    let server = axum::serve(listener, work::app(work));
    if setup.no_signal_handler {
        server.await?;
    } else {
        server.with_graceful_shutdown(signals::terminated()).await?;
    }
    Ok(())
}

fn provider(
    setup: &Setup,
    runtime: &Runtime,
    fates: Arc<Fates>,
) -> Result<SdkTracerProvider, Box<dyn Error + Send + Sync>> {
    let exporter = if setup.grpc {
        // It lives in a runtime of the service's.
        let _inside = runtime.enter();
        grpc_exporter(&setup.collector)?
    } else {
        http_exporter(&setup.collector, setup.gzip)?
    };
    let exporter = Counted {
        inner: Panicking::new(exporter, setup.panic_at.unwrap_or(0)),
        fates,
    };
    let mut config = BatchConfigBuilder::default();
    if let Some(spans) = setup.max_queue_size {
        config = config.with_max_queue_size(spans);
    }
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config.build())
        .build();
    let resource = Resource::builder().with_service_name("faults").build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(processor)
        .build())
}

pub(crate) fn http_exporter(
    collector: &str,
    gzip: bool,
) -> Result<OtlpExporter, Box<dyn Error + Send + Sync>> {
    let mut builder = OtlpExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{collector}/v1/traces"));
    if gzip {
        builder = builder.with_compression(Compression::Gzip);
    }
    Ok(builder.build()?)
}

/// To be built within a runtime.
pub(crate) fn grpc_exporter(collector: &str) -> Result<OtlpExporter, Box<dyn Error + Send + Sync>> {
    Ok(OtlpExporter::builder()
        .with_tonic()
        .with_endpoint(collector)
        .build()?)
}

/// Counts what the SDK's exporter says of each batch.
#[derive(Debug)]
struct Counted<E> {
    inner: E,
    fates: Arc<Fates>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let result = self.inner.export(batch).await;
        let count = match result {
            Ok(()) => &self.fates.exported,
            Err(_) => &self.fates.failed,
        };
        count.fetch_add(spans, Ordering::Relaxed);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Reads the number from the log line that the SDK writes at its shutdown.
struct DroppedSpans(Arc<Fates>);

impl<S: tracing::Subscriber> Layer<S> for DroppedSpans {
    /// Nothing else, so that the SDK pays for this one line only: it is the
    /// only layer, and ours has no subscriber at all.
    fn enabled(&self, metadata: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        metadata.name() == "BatchSpanProcessor.SpansDropped"
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: layer::Context<'_, S>) {
        event.record(&mut Number(&self.0.queue_full));
    }
}

struct Number<'a>(&'a AtomicU64);

impl tracing::field::Visit for Number<'_> {
    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        if field.name() == "dropped_span_count" {
            self.0.store(value, Ordering::Relaxed);
        }
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}
