//! The guard of a running pipeline.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanProcessor as _};

use crate::builder::PipelineBuilder;
use crate::error::{FlushError, ShutdownError};
use crate::processor::Shared;
use crate::stats::{Counters, Stats};
use crate::transport::runtime::Worker;

/// The export of a process's spans, and the guard that ends it properly.
///
/// Keep it alive as long as spans are made, and call
/// [`shutdown`](Self::shutdown) at the end. A pipeline that is dropped does the
/// same with a deadline of five seconds; but it can only log what was lost.
///
/// ```no_run
/// use std::time::Duration;
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// use rum_trace_otlp::Pipeline;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::builder()
///     .service_name("shop")
///     .endpoint("http://localhost:4318")
///     .install()?;
///
/// opentelemetry::global::tracer("shop").in_span("work", |_| { /* … */ });
///
/// pipeline.shutdown(Duration::from_secs(5))?;
/// # Ok(())
/// # }
/// ```
///
/// # Threads and runtimes
///
/// A pipeline has two threads of its own: the SDK's batch thread, and one
/// named `rum-trace-otlp` with a tokio runtime that all connections live in.
/// So it makes no difference whether the program has a runtime, which kind,
/// and whether it is still there. [`flush`](Self::flush),
/// [`shutdown`](Self::shutdown) and dropping block the thread that they are
/// called on, at most for their deadline; on a single-threaded runtime too
/// this delays, but does not hang. A process must not fork after the pipeline
/// was built: the threads are not there in the child.
#[must_use = "a pipeline that is dropped at once exports nothing: bind it to a name"]
pub struct Pipeline {
    provider: SdkTracerProvider,
    /// The exporting one is the last.
    processors: Vec<Shared>,
    counters: Arc<Counters>,
    /// `None` once shut down.
    worker: Option<Worker>,
}

impl Pipeline {
    /// The deadline where the pipeline is dropped without a shutdown; the one
    /// that the SDK takes too.
    const DROP_DEADLINE: Duration = Duration::from_secs(5);

    /// Starts to describe a pipeline. Without any setting it exports to
    /// `http://localhost:4318` over HTTP/protobuf.
    pub fn builder() -> PipelineBuilder {
        PipelineBuilder::new()
    }

    pub(crate) fn new(
        provider: SdkTracerProvider,
        processors: Vec<Shared>,
        counters: Arc<Counters>,
        worker: Worker,
    ) -> Self {
        Self {
            provider,
            processors,
            counters,
            worker: Some(worker),
        }
    }

    /// The SDK's tracer provider, to make tracers of.
    ///
    /// Leave its shutdown to the pipeline: a provider that was shut down drops
    /// spans before they can be counted.
    #[must_use]
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// Makes the provider the global one of the process.
    pub fn install_global(self) -> Self {
        opentelemetry::global::set_tracer_provider(self.provider.clone());
        self
    }

    /// Where every span went, up to now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// Sends all spans that ended before the call, and waits for it. The SDK
    /// waits for five seconds at most.
    ///
    /// # Errors
    ///
    /// [`FlushError::NotDelivered`] if any batch, not only the last one, was
    /// lost or refused during the flush; what was lost earlier is not told
    /// again (see [`stats`](Self::stats)). [`FlushError::Timeout`] if it took
    /// too long; the export goes on.
    pub fn flush(&self) -> Result<(), FlushError> {
        let before = self.lost_in_export();
        let results: Vec<_> = self.processors.iter().map(Shared::flush).collect();
        let spans = self.lost_in_export() - before;
        if spans > 0 {
            return Err(FlushError::NotDelivered {
                spans,
                cause: self.cause().unwrap_or_default(),
            });
        }
        results.into_iter().collect()
    }

    /// Sends what is left, within `deadline`, and ends the pipeline. Spans that
    /// end from now on are dropped.
    ///
    /// `Ok` means that every span that ended during the life of the pipeline
    /// was acknowledged by the collector. After the deadline the request under
    /// way is broken off; its spans count as lost, although the collector may
    /// have got them.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::Lost`] and [`ShutdownError::DeadlineExceeded`] tell how
    /// many spans were lost, and what the last failure was. The pipeline is
    /// shut down all the same.
    pub fn shutdown(mut self, deadline: Duration) -> Result<Stats, ShutdownError> {
        self.finish(deadline)
    }

    fn finish(&mut self, deadline: Duration) -> Result<Stats, ShutdownError> {
        let end = Instant::now().checked_add(deadline);
        // An end that the clock cannot hold is no limit.
        let left = || {
            end.map_or(deadline, |end| {
                end.saturating_duration_since(Instant::now())
            })
        };
        // The exporting processor first: the deadline is there for it, and what
        // ends from now on is still seen and counted.
        let mut failures = Vec::new();
        for processor in self.processors.iter().rev() {
            match processor.shutdown_with_timeout(left()) {
                Ok(()) | Err(OTelSdkError::AlreadyShutdown) => {}
                Err(error) => failures.push(error.to_string()),
            }
        }
        // All processors are shut: this marks the provider and nothing more.
        let _ = self.provider.shutdown_with_timeout(left());
        let stats = self.counters.snapshot();
        self.worker = None;
        self.verdict(deadline, stats, &failures)
    }

    fn verdict(
        &self,
        deadline: Duration,
        stats: Stats,
        failures: &[String],
    ) -> Result<Stats, ShutdownError> {
        let cause = self.cause();
        if stats.open() > 0 {
            return Err(ShutdownError::DeadlineExceeded {
                deadline,
                stats: stats.closed(),
                cause,
            });
        }
        if stats.lost() > 0 {
            return Err(ShutdownError::Lost { stats, cause });
        }
        if !failures.is_empty() {
            return Err(ShutdownError::Processor(failures.join("; ")));
        }
        Ok(stats)
    }

    fn lost_in_export(&self) -> u64 {
        let stats = self.counters.snapshot();
        stats.failed() + stats.rejected()
    }

    fn cause(&self) -> Option<String> {
        self.counters.last_failure()
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if self.worker.is_none() {
            return;
        }
        if let Err(error) = self.finish(Self::DROP_DEADLINE) {
            tracing::error!(error = %error, "the pipeline was dropped and spans were lost");
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The provider's own form shows every processor in full.
        f.debug_struct("Pipeline")
            .field("stats", &self.stats())
            .field("running", &self.worker.is_some())
            .finish_non_exhaustive()
    }
}
