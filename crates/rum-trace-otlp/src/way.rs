//! How a batch leaves: over OTLP, or by an exporter of the user's.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::encode::Encoder;
use crate::ended::Ended;
use crate::error::ExportError;
use crate::exporter::Outcome;
use crate::protocol::Compression;
use crate::stats::DropReason;
use crate::store::Payload;
use crate::transport::{Delivery, Failure, Retry, Transport};

/// The way out.
#[derive(Debug)]
pub(crate) enum Way {
    Otlp(Otlp),
    Foreign(Arc<dyn Foreign>),
}

/// A collector: batches are encoded once and sent as often as it takes.
#[derive(Debug)]
pub(crate) struct Otlp {
    pub(crate) encoder: Encoder,
    pub(crate) transport: Transport,
    /// For one attempt.
    pub(crate) timeout: Duration,
}

impl Way {
    pub(crate) fn foreign(mut exporter: impl SpanExporter + 'static, resource: &Resource) -> Self {
        exporter.set_resource(resource);
        Way::Foreign(Arc::new(exporter))
    }

    /// The type of the exporter, as the conventions name it.
    pub(crate) fn component(&self) -> &'static str {
        match self {
            Way::Otlp(otlp) => otlp.transport.component(),
            Way::Foreign(_) => "span_exporter",
        }
    }

    /// How what is kept is compressed.
    pub(crate) fn compression(&self) -> Compression {
        match self {
            Way::Otlp(otlp) => otlp.encoder.compression(),
            Way::Foreign(_) => Compression::None,
        }
    }

    /// Makes of spans what is kept until it is delivered.
    pub(crate) fn prepare(&self, spans: Vec<Ended>) -> Result<Payload, ExportError> {
        match self {
            Way::Otlp(otlp) => otlp.encoder.encode(spans).map(Payload::Encoded),
            Way::Foreign(_) => {
                let bytes = spans.iter().map(Ended::size).sum();
                let spans: Result<Vec<_>, _> = spans.into_iter().map(Ended::into_span).collect();
                let spans = spans.map_err(|error| ExportError(error.to_string()))?;
                Ok(Payload::Spans(spans, bytes))
            }
        }
    }

    /// One attempt, in a task of its own.
    pub(crate) fn deliver(way: &Arc<Way>, payload: Payload) -> JoinHandle<Outcome> {
        match (&**way, payload) {
            (Way::Foreign(exporter), Payload::Spans(spans, _)) => {
                let exporter = Arc::clone(exporter);
                // It may block, and it may use the runtime.
                tokio::task::spawn_blocking(move || exporter.export(spans))
            }
            (_, Payload::Encoded(body)) => {
                let way = Arc::clone(way);
                tokio::spawn(async move { way.attempt(body).await })
            }
            (Way::Otlp(_), Payload::Spans(..)) => tokio::spawn(async {
                Outcome::Lost(
                    DropReason::Refused,
                    "spans that were not encoded".to_owned(),
                )
            }),
        }
    }

    async fn attempt(&self, body: bytes::Bytes) -> Outcome {
        let Way::Otlp(otlp) = self else {
            let text = "an exporter that takes spans was given bytes".to_owned();
            return Outcome::Lost(DropReason::Refused, text);
        };
        // A clone of the handle, not of the bytes.
        match timeout(otlp.timeout, otlp.transport.attempt(body.clone())).await {
            Ok(Ok(delivery)) => Outcome::Delivered(delivery),
            Ok(Err(failure)) => Outcome::Failed(failure, Payload::Encoded(body)),
            Err(_) => {
                let text = format!("no answer within the timeout of {:?}", otlp.timeout);
                Outcome::Failed(Failure::new(text, Retry::Backoff), Payload::Encoded(body))
            }
        }
    }

    /// Ends an exporter of the user's, which may panic in that as well.
    pub(crate) fn shutdown(&self, timeout: Duration) {
        if let Way::Foreign(exporter) = self {
            let end = AssertUnwindSafe(|| exporter.shutdown(timeout));
            if catch_unwind(end).is_err() {
                tracing::error!("the exporter panicked when it was shut down");
            }
        }
    }
}

/// An exporter of the user's, whatever its type.
pub(crate) trait Foreign: fmt::Debug + Send + Sync {
    fn export(&self, spans: Vec<SpanData>) -> Outcome;
    fn shutdown(&self, timeout: Duration);
}

impl<E: SpanExporter + 'static> Foreign for E {
    fn export(&self, spans: Vec<SpanData>) -> Outcome {
        let exported: OTelSdkResult = futures_executor::block_on(SpanExporter::export(self, spans));
        match exported {
            Ok(()) => Outcome::Delivered(Delivery::default()),
            // Its own text without the SDK's words before it.
            Err(OTelSdkError::InternalFailure(problem)) => {
                Outcome::Lost(DropReason::ExporterFailed, problem)
            }
            Err(error) => Outcome::Lost(DropReason::ExporterFailed, error.to_string()),
        }
    }

    fn shutdown(&self, timeout: Duration) {
        if let Err(error) = SpanExporter::shutdown_with_timeout(self, timeout) {
            tracing::warn!(error = %error, "the exporter could not shut down");
        }
    }
}
