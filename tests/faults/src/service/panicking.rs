//! An exporter that panics once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Hands everything on, but for the batch at which it panics.
#[derive(Debug)]
pub(crate) struct Panicking<E> {
    inner: E,
    at: usize,
    batches: AtomicUsize,
}

impl<E> Panicking<E> {
    pub(crate) fn new(inner: E, at: usize) -> Self {
        Panicking {
            inner,
            at,
            batches: AtomicUsize::new(0),
        }
    }
}

impl<E: SpanExporter> SpanExporter for Panicking<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let number = self.batches.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(number != self.at, "this batch was made to panic");
        self.inner.export(batch).await
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
