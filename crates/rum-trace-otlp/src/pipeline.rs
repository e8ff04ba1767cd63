//! The guard of a running pipeline.

use std::fmt;
use std::time::{Duration, Instant};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::trace::noop::NoopTracerProvider;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanProcessor as _};

use rum_trace_core::tracer::{self, Installed};

use crate::builder::PipelineBuilder;
use crate::error::{FlushError, ShutdownError};
use crate::processor::{Export, Shared};
use crate::spans::{PipelineSpans, Service};
use crate::stats::{DropReason, Stats, StatsHandle};

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
/// A pipeline has a thread of its own, named `rum-trace-otlp`, with a tokio
/// runtime that all connections live in. So it makes no difference whether the
/// program has a runtime, which kind, and whether it is still there.
/// [`flush`](Self::flush), [`shutdown`](Self::shutdown) and dropping block the
/// thread that they are called on, at most for their deadline; on a
/// single-threaded runtime too this delays, but does not hang. Build it after a
/// fork: a child has no such thread, which is noticed, said, and counted.
///
/// # What is kept
///
/// A batch is encoded once and kept until the collector acknowledges it, until
/// it is too old ([`keep_for`](PipelineBuilder::keep_for)), or until there is no
/// more place ([`max_kept_bytes`](PipelineBuilder::max_kept_bytes); the oldest
/// goes first). Then it is dropped, or goes to disk, if there is a
/// [`spool`](PipelineBuilder::spool). OTLP is at-least-once: a batch whose acknowledgement got lost is
/// sent again.
#[must_use = "a pipeline that is dropped at once exports nothing: bind it to a name"]
pub struct Pipeline {
    provider: SdkTracerProvider,
    spans: PipelineSpans,
    processors: Vec<Shared>,
    /// There is none if nothing is exported.
    export: Option<Export>,
    disabled: bool,
    running: bool,
    installed: Option<Installed>,
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
        spans: PipelineSpans,
        processors: Vec<Shared>,
        export: Option<Export>,
    ) -> Self {
        Self {
            provider,
            spans,
            processors,
            export,
            disabled: false,
            running: true,
            installed: None,
        }
    }

    /// One that records nothing and sends nothing.
    pub(crate) fn disabled() -> Self {
        let provider = SdkTracerProvider::builder().build();
        // One that was shut down gives spans without ids that cost nothing.
        let _ = provider.shutdown();
        let spans = PipelineSpans::new(&provider, None, Service::default());
        let mut pipeline = Self::new(provider, spans, Vec::new(), None);
        pipeline.disabled = true;
        pipeline
    }

    /// The SDK's tracer provider, to make tracers of.
    ///
    /// Leave its shutdown to the pipeline: a provider that was shut down drops
    /// spans before they can be counted.
    #[must_use]
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// What starts the SERVER spans of layers and middlewares that are given it
    /// by `Instrumenter::builder().span_starter(…)`. Those that are given nothing
    /// have it from [`install_global`](Self::install_global).
    #[must_use]
    pub fn span_starter(&self) -> PipelineSpans {
        self.spans.clone()
    }

    /// Makes the provider the global one of the process, and what the layers
    /// and middlewares start their spans with. If the pipeline is
    /// disabled, the global one becomes OpenTelemetry's no-op provider, whose
    /// spans stand for the caller's.
    pub fn install_global(mut self) -> Self {
        if self.disabled {
            let none = NoopTracerProvider::new();
            self.installed = Some(tracer::install(none.tracer("")));
            opentelemetry::global::set_tracer_provider(none);
        } else {
            self.installed = Some(tracer::install(self.span_starter()));
            opentelemetry::global::set_tracer_provider(self.provider.clone());
        }
        self
    }

    /// Where every span went, up to now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.export.as_ref().map(Export::stats).unwrap_or_default()
    }

    /// To read the same numbers somewhere else, and after the shutdown: on a
    /// status page, in a test.
    #[must_use]
    pub fn stats_handle(&self) -> StatsHandle {
        StatsHandle::new(self.export.as_ref().map(Export::accounts))
    }

    /// Sends all spans that ended before the call, and waits for it, for five
    /// seconds at most. What the collector does not take in that time is kept
    /// and tried on.
    ///
    /// # Errors
    ///
    /// [`FlushError::NotDelivered`] if spans were lost or rejected during the
    /// flush; what was lost earlier is not told again (see
    /// [`stats`](Self::stats)). [`FlushError::Timeout`] if it took too long.
    pub fn flush(&self) -> Result<(), FlushError> {
        let processors: Vec<_> = self.processors.iter().map(Shared::flush).collect();
        // The exporting one last, as at the end of each span; what it has to
        // tell goes first.
        let export = self.export.as_ref().map(Export::flush);
        export.into_iter().chain(processors).collect()
    }

    /// Sends what is left, within `deadline`, and ends the pipeline. Spans that
    /// end from now on are dropped.
    ///
    /// `Ok` means that every span that ended during the life of the pipeline
    /// was acknowledged by the collector, or is in the spool
    /// ([`Stats::spooled`]) for the next process. As long as there is time what fails is
    /// tried again. After the deadline the request under way is broken off; its
    /// spans count as lost, although the collector may have got them.
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
        self.running = false;
        if let Some(installed) = self.installed.take() {
            installed.remove();
        }
        let end = Instant::now().checked_add(deadline);
        // An end that the clock cannot hold is no limit.
        let left = || {
            end.map_or(deadline, |end| {
                end.saturating_duration_since(Instant::now())
            })
        };
        // The exporting one first: the deadline is there for it. The provider
        // itself is left alone, so that what ends later is still seen.
        if let Some(export) = &self.export {
            export.shutdown(left());
        }
        let mut failures = Vec::new();
        for processor in &self.processors {
            match processor.shutdown_with_timeout(left()) {
                Ok(()) | Err(OTelSdkError::AlreadyShutdown) => {}
                Err(error) => failures.push(error.to_string()),
            }
        }
        self.verdict(deadline, &failures)
    }

    fn verdict(&self, deadline: Duration, failures: &[String]) -> Result<Stats, ShutdownError> {
        let stats = self.stats();
        let cause = self.cause();
        if stats.dropped(DropReason::ShutdownDeadline) + stats.pending() > 0 {
            return Err(ShutdownError::DeadlineExceeded {
                deadline,
                stats: Box::new(stats),
                cause,
            });
        }
        if stats.lost() > 0 {
            return Err(ShutdownError::Lost {
                stats: Box::new(stats),
                cause,
            });
        }
        if !failures.is_empty() {
            return Err(ShutdownError::Processor(failures.join("; ")));
        }
        Ok(stats)
    }

    fn cause(&self) -> Option<String> {
        self.export.as_ref().and_then(Export::last_failure)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if !self.running {
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
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}
