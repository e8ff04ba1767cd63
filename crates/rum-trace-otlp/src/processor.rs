//! What the SDK sees: processors that the pipeline shuts down itself.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanContext, SpanKind, Status};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::ended::Ended;
use crate::error::FlushError;
use crate::exporter::{Command, GRACE};
use crate::queue::Queue;
use crate::stats::{Accounts, DropReason, Stats};

/// How long a flush waits.
const FLUSH: Duration = Duration::from_secs(5);
/// A deadline further away than this is none.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// The exporting end: the queue, its books, and the way to the export thread.
/// Both the provider and the pipeline hold it, so that the pipeline can shut it
/// down under one deadline and read its own answer.
#[derive(Clone)]
pub(crate) struct Export(Arc<Inner>);

/// Looks at spans that were recorded although they are not sampled, when they end.
pub(crate) trait LastLook: fmt::Debug + Send + Sync {
    /// The attribute that says why the span is exported all the same, if it is.
    fn keeps(&self, span: &Ending<'_>) -> Option<KeyValue>;
}

/// What is looked at.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "sampling"),
    allow(dead_code, reason = "who looks comes with that feature")
)]
pub(crate) struct Ending<'a> {
    pub(crate) kind: &'a SpanKind,
    pub(crate) status: &'a Status,
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
}

struct Inner {
    queue: Arc<Queue>,
    accounts: Arc<Accounts>,
    commands: UnboundedSender<Command>,
    last_look: Option<Arc<dyn LastLook>>,
    shut: AtomicBool,
    /// The SDK's provider is shut down: it starts no more spans.
    provider_shut: AtomicBool,
    /// The shutdown is over.
    over: (Mutex<bool>, Condvar),
}

impl Export {
    pub(crate) fn new(
        queue: Arc<Queue>,
        accounts: Arc<Accounts>,
        commands: UnboundedSender<Command>,
        last_look: Option<Arc<dyn LastLook>>,
    ) -> Self {
        Export(Arc::new(Inner {
            queue,
            accounts,
            commands,
            last_look,
            shut: AtomicBool::new(false),
            provider_shut: AtomicBool::new(false),
            over: Default::default(),
        }))
    }

    /// Counts a span that begins, if it is sampled.
    pub(crate) fn started(&self, span: &SpanContext) {
        if span.is_sampled() {
            self.0.queue.started();
        }
    }

    /// Takes a span that has ended.
    pub(crate) fn ended(&self, span: Ended) {
        self.0.queue.push(span);
    }

    /// Why a span that was recorded, but not sampled, is exported all the same. Such a
    /// span is not for export, unless a last look keeps it; then it is counted from now
    /// on.
    pub(crate) fn keeps(&self, span: &Ending<'_>) -> Option<KeyValue> {
        let why = self.0.last_look.as_ref()?.keeps(span)?;
        self.0.queue.started();
        Some(why)
    }

    /// Whether spans are still to be started, as far as the SDK's provider goes.
    pub(crate) fn provider_is_shut(&self) -> bool {
        self.0.provider_shut.load(Ordering::Relaxed)
    }

    pub(crate) fn stats(&self) -> Stats {
        self.0.accounts.snapshot()
    }

    pub(crate) fn accounts(&self) -> Arc<Accounts> {
        Arc::clone(&self.0.accounts)
    }

    pub(crate) fn last_failure(&self) -> Option<String> {
        self.0.accounts.last_failure()
    }

    /// Sends what has ended so far, and waits for it.
    pub(crate) fn flush(&self) -> Result<(), FlushError> {
        if self.0.shut.load(Ordering::Acquire) {
            return Err(FlushError::AfterShutdown);
        }
        if self.0.queue.is_forked() {
            return Err(FlushError::Forked);
        }
        let before = self.stats().lost();
        let answer = self.ask(FLUSH, Command::Flush);
        let spans = self.stats().lost().saturating_sub(before);
        if spans > 0 {
            let cause = self.last_failure();
            return Err(FlushError::NotDelivered {
                spans,
                cause: cause.unwrap_or_else(|| "there was no place for them".to_owned()),
            });
        }
        answer.map_err(|error| match error {
            RecvTimeoutError::Timeout => FlushError::Timeout(FLUSH),
            RecvTimeoutError::Disconnected => FlushError::AfterShutdown,
        })
    }

    /// Sends what is left within `timeout`. The first call does it, later ones
    /// wait for it. What has no fate by then is lost, and counted as that.
    pub(crate) fn shutdown(&self, timeout: Duration) {
        let timeout = timeout.min(LONGEST);
        if self.0.shut.swap(true, Ordering::AcqRel) {
            return self.wait_until_over(timeout);
        }
        if !self.0.queue.is_forked() {
            let deadline = Instant::now() + timeout;
            // Without an answer the thread is stuck in somebody's exporter.
            let _ = self.ask(timeout + GRACE, |done| Command::Shutdown(deadline, done));
        }
        self.0.queue.close();
        self.0.accounts.close();
        let (over, told) = &self.0.over;
        *over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        told.notify_all();
    }

    fn wait_until_over(&self, timeout: Duration) {
        let (over, told) = &self.0.over;
        let over = over.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asked for less time has what there is then.
        drop(told.wait_timeout_while(over, timeout, |over| !*over));
    }

    /// What of the shutdown the SDK is told.
    fn verdict(&self, timeout: Duration) -> OTelSdkResult {
        let stats = self.stats();
        if stats.dropped(DropReason::ShutdownDeadline) + stats.pending() > 0 {
            return Err(OTelSdkError::Timeout(timeout));
        }
        if stats.lost() > 0 {
            return Err(OTelSdkError::InternalFailure(stats.to_string()));
        }
        Ok(())
    }

    fn ask(
        &self,
        timeout: Duration,
        command: impl FnOnce(std::sync::mpsc::SyncSender<()>) -> Command,
    ) -> Result<(), RecvTimeoutError> {
        let (done, answer) = sync_channel(1);
        if self.0.commands.send(command(done)).is_err() {
            return Err(RecvTimeoutError::Disconnected);
        }
        answer.recv_timeout(timeout)
    }
}

impl SpanProcessor for Export {
    fn on_start(&self, span: &mut Span, _: &Context) {
        self.started(span.span_context());
    }

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            let ending = Ending {
                kind: &span.span_kind,
                status: &span.status,
                start: span.start_time,
                end: span.end_time,
            };
            let Some(why) = self.keeps(&ending) else {
                return;
            };
            span.attributes.push(why);
        }
        self.ended(span.into());
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush().map_err(|error| match error {
            FlushError::Timeout(after) => OTelSdkError::Timeout(after),
            FlushError::AfterShutdown => OTelSdkError::AlreadyShutdown,
            other => OTelSdkError::InternalFailure(other.to_string()),
        })
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.provider_shut.store(true, Ordering::Relaxed);
        self.shutdown(timeout);
        self.verdict(timeout)
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// A processor of the user's.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Foreign>);

#[derive(Debug)]
struct Foreign {
    processor: Box<dyn SpanProcessor>,
    shut: AtomicBool,
}

impl Shared {
    pub(crate) fn new(mut processor: Box<dyn SpanProcessor>, resource: &Resource) -> Self {
        processor.set_resource(resource);
        Shared(Arc::new(Foreign {
            processor,
            shut: AtomicBool::new(false),
        }))
    }

    /// Flushes, with the answer as the pipeline tells it.
    pub(crate) fn flush(&self) -> Result<(), FlushError> {
        self.force_flush().map_err(|error| match error {
            OTelSdkError::Timeout(after) => FlushError::Timeout(after),
            OTelSdkError::AlreadyShutdown => FlushError::AfterShutdown,
            OTelSdkError::InternalFailure(problem) => FlushError::Processor(problem),
        })
    }
}

impl SpanProcessor for Shared {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.0.processor.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        self.0.processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        if self.0.shut.load(Ordering::Acquire) {
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
