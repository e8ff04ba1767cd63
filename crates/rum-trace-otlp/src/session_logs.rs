//! The request's session on the log records that are made under its context.

use std::time::Duration;

use opentelemetry::logs::{LogRecord as _, Severity};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};

use crate::session;

/// Adds the client's `session.id` and `rum.app.id` to the log records that are made
/// under the context of a request, or of a message: in the handler, and in tasks that
/// are handed the context. Trace and span ids the SDK adds itself.
///
/// The SDK hands each record from processor to processor in the order in which they
/// were added, so this one comes *before* the one that exports:
///
/// ```
/// use opentelemetry_sdk::logs::SdkLoggerProvider;
/// use rum_trace_otlp::SessionLogProcessor;
///
/// # let exporter = opentelemetry_sdk::logs::InMemoryLogExporter::default();
/// let logs = SdkLoggerProvider::builder()
///     .with_log_processor(SessionLogProcessor::new())
///     .with_batch_exporter(exporter)
///     .build();
/// # drop(logs);
/// ```
///
/// A record that has such an attribute already, as a field of its `tracing` event, keeps
/// it. A record made outside of a request is left as it is.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SessionLogProcessor;

impl SessionLogProcessor {
    /// The processor.
    #[must_use]
    pub const fn new() -> Self {
        SessionLogProcessor
    }
}

impl LogProcessor for SessionLogProcessor {
    /// On the thread, and so in the context, that the record is made in.
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        let has = |name: &str| {
            record
                .attributes_iter()
                .any(|(key, _)| key.as_str() == name)
        };
        let missing = Context::map_current(|cx| session::missing(cx, has));
        record.add_attributes(missing.into_iter().flatten());
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    /// No record is wanted for this processor's sake: one that all others refuse need
    /// not be made.
    fn event_enabled(&self, _: Severity, _: &str, _: Option<&str>) -> bool {
        false
    }
}
