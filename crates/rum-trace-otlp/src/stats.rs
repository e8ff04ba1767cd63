//! Where every span went, in numbers.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The count of spans of one pipeline, taken at one moment.
///
/// Every sampled span that ends is in exactly one of the places:
///
/// `ended = exported + rejected + failed + queue_full + after_shutdown + queued + in_flight`
///
/// The numbers are read one after the other. While spans end on other threads
/// they can be off by those spans; when nothing moves, and after the shutdown,
/// they are exact. Spans that end once the SDK's provider itself is shut down
/// reach no processor and so are in no count.
///
/// ```
/// use rum_trace_otlp::Pipeline;
///
/// let pipeline = Pipeline::builder().service_name("shop").build()?;
/// assert_eq!(pipeline.stats().ended(), 0);
/// assert_eq!(pipeline.stats().lost(), 0);
/// # Ok::<(), rum_trace_otlp::PipelineError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    ended: u64,
    exported: u64,
    rejected: u64,
    failed: u64,
    queue_full: u64,
    after_shutdown: u64,
    queued: u64,
    in_flight: u64,
}

impl Stats {
    /// Sampled spans that have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.ended
    }

    /// Spans that the collector acknowledged.
    #[must_use]
    pub fn exported(&self) -> u64 {
        self.exported
    }

    /// Spans that the collector received and refused (OTLP partial success).
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Spans of batches that could not be delivered: the collector was not
    /// there, answered with an error, or the exporter panicked.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Spans that found the queue full.
    #[must_use]
    pub fn queue_full(&self) -> u64 {
        self.queue_full
    }

    /// Spans that ended while the pipeline was being shut down, too late.
    #[must_use]
    pub fn after_shutdown(&self) -> u64 {
        self.after_shutdown
    }

    /// Spans that wait for their batch.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// Spans of the batch that is being sent.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Spans that are lost: rejected, failed, or dropped. After the shutdown
    /// this includes what was still queued or in flight at the deadline.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.rejected + self.failed + self.queue_full + self.after_shutdown
    }

    /// Spans whose fate is open.
    pub(crate) fn open(&self) -> u64 {
        self.queued + self.in_flight
    }

    /// At the deadline: what is still open will not be delivered any more.
    pub(crate) fn closed(mut self) -> Self {
        self.failed += self.open();
        self.queued = 0;
        self.in_flight = 0;
        self
    }
}

impl fmt::Display for Stats {
    /// The numbers that are not zero: `exported 10, failed 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exported {}", self.exported)?;
        let rest = [
            ("rejected by the collector", self.rejected),
            ("failed", self.failed),
            ("queue full", self.queue_full),
            ("ended after shutdown", self.after_shutdown),
            ("queued", self.queued),
            ("in flight", self.in_flight),
        ];
        for (name, count) in rest.into_iter().filter(|(_, count)| *count > 0) {
            write!(f, ", {name} {count}")?;
        }
        Ok(())
    }
}

/// The counters behind [`Stats`]; shared by the processor, the exporter and
/// the guard.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    ended: AtomicU64,
    exported: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    queue_full: AtomicU64,
    after_shutdown: AtomicU64,
    queued: AtomicU64,
    in_flight: AtomicU64,
    last_failure: Mutex<Option<String>>,
}

impl Counters {
    /// Counts one ended span and takes a place for it in a queue of
    /// `capacity`. Where there is none the span counts as dropped; the error
    /// is the number of spans dropped so far.
    pub(crate) fn admit(&self, capacity: u64) -> Result<(), u64> {
        self.ended.fetch_add(1, Ordering::Relaxed);
        let before = self.queued.fetch_add(1, Ordering::AcqRel);
        if before >= capacity {
            self.queued.fetch_sub(1, Ordering::AcqRel);
            return Err(self.queue_full.fetch_add(1, Ordering::Relaxed) + 1);
        }
        Ok(())
    }

    /// Counts one span that ended too late.
    pub(crate) fn refuse_late(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.after_shutdown.fetch_add(1, Ordering::Relaxed);
    }

    /// A batch leaves the queue.
    pub(crate) fn begin(&self, spans: u64) {
        self.in_flight.fetch_add(spans, Ordering::AcqRel);
        self.queued.fetch_sub(spans, Ordering::AcqRel);
    }

    /// A batch was acknowledged, but for `rejected` of its spans.
    pub(crate) fn delivered(&self, spans: u64, rejected: u64, reason: &str) {
        let rejected = rejected.min(spans);
        if rejected > 0 {
            self.remember(format!("the collector rejected {rejected} spans: {reason}"));
        }
        self.exported.fetch_add(spans - rejected, Ordering::AcqRel);
        self.rejected.fetch_add(rejected, Ordering::AcqRel);
        self.in_flight.fetch_sub(spans, Ordering::AcqRel);
    }

    /// A batch was lost.
    pub(crate) fn failed(&self, spans: u64, cause: &str) {
        self.remember(cause.to_owned());
        self.failed.fetch_add(spans, Ordering::AcqRel);
        self.in_flight.fetch_sub(spans, Ordering::AcqRel);
    }

    fn remember(&self, cause: String) {
        // Only assignments run under the lock, so it cannot be poisoned.
        *self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(cause);
    }

    /// What the last lost spans were lost by.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn snapshot(&self) -> Stats {
        // The last places are read first: a span that moves on meanwhile is
        // then counted twice rather than missed.
        Stats {
            after_shutdown: self.after_shutdown.load(Ordering::Acquire),
            queue_full: self.queue_full.load(Ordering::Acquire),
            queued: self.queued.load(Ordering::Acquire),
            in_flight: self.in_flight.load(Ordering::Acquire),
            exported: self.exported.load(Ordering::Acquire),
            rejected: self.rejected.load(Ordering::Acquire),
            failed: self.failed.load(Ordering::Acquire),
            ended: self.ended.load(Ordering::Acquire),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(stats: &Stats) -> u64 {
        stats.exported() + stats.lost() + stats.open()
    }

    #[test]
    fn every_span_is_in_one_place_at_each_step() {
        let counters = Counters::default();
        let admitted = (0..10).filter(|_| counters.admit(8).is_ok()).count();
        assert_eq!(admitted, 8);
        counters.begin(5);
        assert_eq!(sum(&counters.snapshot()), 10);
        counters.delivered(5, 2, "too long");
        counters.begin(3);
        counters.failed(3, "down");
        counters.refuse_late();

        let stats = counters.snapshot();
        assert_eq!(stats.ended(), 11);
        assert_eq!(sum(&stats), 11);
        assert_eq!((stats.exported(), stats.rejected()), (3, 2));
        assert_eq!((stats.failed(), stats.queue_full()), (3, 2));
        assert_eq!((stats.after_shutdown(), stats.lost()), (1, 8));
        assert_eq!(counters.last_failure().as_deref(), Some("down"));
    }

    #[test]
    fn a_collector_cannot_reject_more_than_it_got() {
        let counters = Counters::default();
        counters.admit(1).unwrap();
        counters.begin(1);
        counters.delivered(1, u64::MAX, "");
        assert_eq!(counters.snapshot().rejected(), 1);
        assert_eq!(counters.snapshot().exported(), 0);
    }

    #[test]
    fn what_is_open_at_the_deadline_is_lost() {
        let counters = Counters::default();
        (0..6).for_each(|_| counters.admit(6).unwrap());
        counters.begin(2);
        let stats = counters.snapshot().closed();
        assert_eq!((stats.lost(), stats.open()), (6, 0));
        assert_eq!(stats.to_string(), "exported 0, failed 6");
    }
}
