//! Between the batch and the wire: every batch ends as delivered or as lost,
//! also by a panic, and is counted.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;

use crate::encode::Encoder;
use crate::error::ExportError;
use crate::retry::deliver;
use crate::stats::Counters;
use crate::transport::{Delivery, Transport};

/// Something that delivers a batch or says why not.
pub(crate) trait Sender: fmt::Debug + Send + Sync + 'static {
    fn send(
        &self,
        batch: Vec<SpanData>,
    ) -> impl Future<Output = Result<Delivery, ExportError>> + Send;

    fn shutdown(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// An exporter for the SDK that counts what becomes of each batch.
#[derive(Debug)]
pub(crate) struct CountingExporter<S> {
    sender: S,
    counters: Arc<Counters>,
    healthy: AtomicBool,
}

impl<S: Sender> CountingExporter<S> {
    pub(crate) fn new(sender: S, counters: Arc<Counters>) -> Self {
        Self {
            sender,
            counters,
            healthy: AtomicBool::new(true),
        }
    }

    fn settle(&self, spans: u64, result: Result<Delivery, ExportError>) -> OTelSdkResult {
        match result {
            Ok(delivery) => {
                self.counters
                    .delivered(spans, delivery.rejected, &delivery.message);
                self.report_delivery(&delivery);
                Ok(())
            }
            Err(error) => {
                self.counters.failed(spans, &error.0);
                self.report_failure(spans, &error);
                Err(OTelSdkError::InternalFailure(error.0))
            }
        }
    }

    /// The first loss and the recovery are loud; what is lost in between is in
    /// the numbers of the recovery's line.
    fn report_failure(&self, spans: u64, error: &ExportError) {
        if self.healthy.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                spans,
                error = %error,
                "spans were lost: a batch could not be exported; \
                 further losses are logged at debug level until an export succeeds"
            );
        } else {
            tracing::debug!(spans, error = %error, "a batch could not be exported");
        }
    }

    fn report_delivery(&self, delivery: &Delivery) {
        if !self.healthy.swap(true, Ordering::Relaxed) {
            let lost = self.counters.snapshot().failed();
            tracing::info!(
                lost,
                "the export works again; `lost` is the total since the start"
            );
        }
        if delivery.rejected > 0 || !delivery.message.is_empty() {
            tracing::warn!(
                rejected = delivery.rejected,
                reason = delivery.message,
                "the collector did not keep all spans of a batch"
            );
        }
    }
}

impl<S: Sender> SpanExporter for CountingExporter<S> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.counters.begin(spans);
        let result = self.sender.send(batch).await;
        self.settle(spans, result)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.sender.shutdown(timeout)
    }

    // The resource is in the sender from the start.
}

/// OTLP to a collector. Each batch is encoded and sent in a task on the
/// worker, so that it needs nothing of the thread that waits for it.
#[derive(Debug)]
pub(crate) struct OtlpSender {
    way: Arc<Way>,
    worker: Handle,
}

#[derive(Debug)]
struct Way {
    encoder: Encoder,
    transport: Transport,
    timeout: Duration,
}

impl OtlpSender {
    pub(crate) fn new(
        encoder: Encoder,
        transport: Transport,
        timeout: Duration,
        worker: Handle,
    ) -> Self {
        let way = Arc::new(Way {
            encoder,
            transport,
            timeout,
        });
        Self { way, worker }
    }
}

impl Sender for OtlpSender {
    async fn send(&self, batch: Vec<SpanData>) -> Result<Delivery, ExportError> {
        let way = Arc::clone(&self.way);
        let task = self.worker.spawn(async move {
            let body = way.encoder.encode(batch)?;
            deliver(&way.transport, body, way.timeout).await
        });
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(panicked(error.into_panic().as_ref())),
            Err(_) => Err(ExportError(
                "the pipeline was shut down before the batch was delivered".to_owned(),
            )),
        }
    }
}

/// An exporter of the user's. It is polled on the batch thread, as the SDK
/// would, where it may block; but with the worker's runtime at hand, so that
/// it may also be an asynchronous one.
#[derive(Debug)]
pub(crate) struct ForeignSender<E> {
    exporter: E,
    worker: Handle,
}

impl<E: SpanExporter + 'static> ForeignSender<E> {
    pub(crate) fn new(mut exporter: E, resource: &Resource, worker: Handle) -> Self {
        exporter.set_resource(resource);
        Self { exporter, worker }
    }
}

impl<E: SpanExporter + 'static> Sender for ForeignSender<E> {
    async fn send(&self, batch: Vec<SpanData>) -> Result<Delivery, ExportError> {
        // The call itself may panic, not only its future.
        let future = async move { self.exporter.export(batch).await };
        let polled = Guarded {
            future: Box::pin(future),
            worker: &self.worker,
        };
        match polled.await? {
            Ok(()) => Ok(Delivery::default()),
            // Its own text without the SDK's words before it.
            Err(OTelSdkError::InternalFailure(problem)) => Err(ExportError(problem)),
            Err(error) => Err(ExportError(error.to_string())),
        }
    }

    fn shutdown(&self, timeout: Duration) -> OTelSdkResult {
        let _context = self.worker.enter();
        catch_unwind(AssertUnwindSafe(|| {
            self.exporter.shutdown_with_timeout(timeout)
        }))
        .unwrap_or_else(|panic| Err(OTelSdkError::InternalFailure(panicked(panic.as_ref()).0)))
    }
}

/// Polls within a runtime's context and turns a panic into an error: a panic
/// would end the SDK's batch thread for good.
struct Guarded<'a, F> {
    future: Pin<Box<F>>,
    worker: &'a Handle,
}

impl<F: Future> Future for Guarded<'_, F> {
    type Output = Result<F::Output, ExportError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _context = self.worker.enter();
        let future = self.future.as_mut();
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panicked(panic.as_ref()))),
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ExportError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    ExportError(format!("the exporter panicked: {text}"))
}
