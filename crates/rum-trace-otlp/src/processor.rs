//! Between the SDK and the batch: what is counted, and what is let in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

use crate::config::batch::Batch;
use crate::error::FlushError;
use crate::stats::Counters;

/// The SDK's batch processor with a count of every span.
pub(crate) struct ExportProcessor {
    batch: BatchSpanProcessor,
    counters: Arc<Counters>,
    capacity: u64,
}

impl ExportProcessor {
    pub(crate) fn new<E>(exporter: E, batch: Batch, counters: Arc<Counters>) -> Self
    where
        E: SpanExporter + 'static,
    {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(batch.max_queue_size)
            .with_max_export_batch_size(batch.max_export_batch_size)
            .with_scheduled_delay(batch.scheduled_delay)
            .build();
        Self {
            batch: BatchSpanProcessor::new(exporter, config),
            counters,
            capacity: batch.max_queue_size as u64,
        }
    }
}

impl SpanProcessor for ExportProcessor {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        // The SDK's batch processor would export spans that are only recorded.
        if !span.span_context.is_sampled() {
            return;
        }
        // With as many places here as in the SDK's queue, the SDK never drops
        // a span uncounted.
        match self.counters.admit(self.capacity) {
            Ok(()) => self.batch.on_end(span),
            // Loud at the first one, then ever more seldom.
            Err(dropped) if dropped.is_power_of_two() => tracing::warn!(
                dropped,
                max_queue_size = self.capacity,
                "spans are dropped because the queue is full: the collector is too slow or \
                 not there, or `max_queue_size` is too small; `dropped` is the total"
            ),
            Err(_) => {}
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batch.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batch.shutdown_with_timeout(timeout)
    }
}

impl fmt::Debug for ExportProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportProcessor")
            .field("stats", &self.counters.snapshot())
            .finish_non_exhaustive()
    }
}

/// A processor that both the provider and the pipeline hold, so that the
/// pipeline can shut it down under one deadline and read its own answer: the
/// provider melts the answers of all processors into one text.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    processor: Box<dyn SpanProcessor>,
    counters: Option<Arc<Counters>>,
    shut: AtomicBool,
}

impl Shared {
    /// A processor of the user's.
    pub(crate) fn foreign(mut processor: Box<dyn SpanProcessor>, resource: &Resource) -> Self {
        processor.set_resource(resource);
        Self::new(processor, None)
    }

    /// The processor that exports; what ends after its shutdown is counted.
    pub(crate) fn export(processor: ExportProcessor) -> Self {
        let counters = Arc::clone(&processor.counters);
        Self::new(Box::new(processor), Some(counters))
    }

    fn new(processor: Box<dyn SpanProcessor>, counters: Option<Arc<Counters>>) -> Self {
        Self(Arc::new(Inner {
            processor,
            counters,
            shut: AtomicBool::new(false),
        }))
    }

    fn is_shut(&self) -> bool {
        self.0.shut.load(Ordering::Acquire)
    }
}

impl SpanProcessor for Shared {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.0.processor.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        match &self.0.counters {
            Some(counters) if self.is_shut() => {
                if span.span_context.is_sampled() {
                    counters.refuse_late();
                }
            }
            _ => self.0.processor.on_end(span),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        if self.is_shut() {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.0.processor.force_flush()
    }

    /// The first call shuts the processor down, later ones do nothing: after
    /// the pipeline's own call the provider repeats it.
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        if self.0.shut.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.0.processor.shutdown_with_timeout(timeout)
    }
}

impl Shared {
    /// Flushes, with the answer as the pipeline tells it.
    pub(crate) fn flush(&self) -> Result<(), FlushError> {
        self.force_flush().map_err(|error| match error {
            OTelSdkError::Timeout(after) => FlushError::Timeout(after),
            OTelSdkError::AlreadyShutdown => FlushError::AfterShutdown,
            OTelSdkError::InternalFailure(problem) => FlushError::Processor(problem),
        })
    }
}
