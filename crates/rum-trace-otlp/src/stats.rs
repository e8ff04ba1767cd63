//! Where every span went, in numbers.

use std::fmt;
use std::sync::{Arc, MutexGuard};

use crate::fork::ForkLock;
use crate::queue::{Door, Queue};

/// The count of spans of one pipeline, taken at one moment.
///
/// Every sampled span that has ended is in exactly one place:
///
/// `ended + recovered = exported + rejected + dropped + spooled + queued + in_flight`
///
/// where `recovered` are those that an earlier process left in the spool; without a
/// spool both that and `spooled` are zero. This holds for every snapshot, also one that is taken while spans end on
/// other threads, and after the shutdown. [`open`](Self::open) spans have begun
/// and not ended. Spans that end once the SDK's provider was shut down by
/// somebody else reach no processor: they stay open.
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
    started: u64,
    ended: u64,
    exported: u64,
    rejected: u64,
    dropped: [u64; DropReason::COUNT],
    queued: u64,
    in_flight: u64,
    recovered: u64,
    spooled: u64,
}

/// Why a span was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// There was no place in memory: as many spans or bytes waited as may.
    QueueFull,
    /// It was tried again until it was too old.
    RetryExpired,
    /// The collector answered that it will not take the batch, or it cannot be
    /// reached in a way that trying again does not mend.
    Refused,
    /// It was still waiting, or on its way, at the deadline of the shutdown.
    ShutdownDeadline,
    /// It ended after the shutdown.
    AfterShutdown,
    /// The exporter panicked.
    ExporterPanic,
    /// An exporter given by `span_exporter` failed.
    ExporterFailed,
    /// It ended in a process that was forked from the one that exports.
    Forked,
    /// The spool on disk, or the disk itself, had no place for it, or gave its
    /// place to a later one.
    SpoolFull,
    /// Its file in the spool was damaged, or taken away.
    SpoolDamaged,
}

impl DropReason {
    const COUNT: usize = 10;

    /// All of them.
    pub const ALL: [DropReason; DropReason::COUNT] = [
        DropReason::QueueFull,
        DropReason::RetryExpired,
        DropReason::Refused,
        DropReason::ShutdownDeadline,
        DropReason::AfterShutdown,
        DropReason::ExporterPanic,
        DropReason::ExporterFailed,
        DropReason::Forked,
        DropReason::SpoolFull,
        DropReason::SpoolDamaged,
    ];

    /// A short name in lower case, fit for a metric label: `queue_full`, …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DropReason::QueueFull => "queue_full",
            DropReason::RetryExpired => "retry_expired",
            DropReason::Refused => "refused",
            DropReason::ShutdownDeadline => "shutdown_deadline",
            DropReason::AfterShutdown => "after_shutdown",
            DropReason::ExporterPanic => "exporter_panic",
            DropReason::ExporterFailed => "exporter_failed",
            DropReason::Forked => "forked",
            DropReason::SpoolFull => "spool_full",
            DropReason::SpoolDamaged => "spool_damaged",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Stats {
    /// Sampled spans that have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.ended
    }

    /// Sampled spans that have begun and not ended.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.started.saturating_sub(self.ended)
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

    /// Spans that were dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Spans that wait: for their batch, for their turn, or for a collector
    /// that is not there.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// Spans of the batch that is being sent.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Spans that are in the spool on disk, to be sent by this process or a
    /// later one.
    #[must_use]
    pub fn spooled(&self) -> u64 {
        self.spooled
    }

    /// Spans that an earlier process had left in the spool.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.recovered
    }

    /// Spans that are lost: rejected, or dropped for whatever reason.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.rejected + self.dropped.iter().sum::<u64>()
    }

    /// Spans whose fate is not known yet.
    pub(crate) fn pending(&self) -> u64 {
        self.queued + self.in_flight
    }
}

impl fmt::Display for Stats {
    /// The numbers that are not zero: `exported 10, dropped 2 (queue_full 2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exported {}", self.exported)?;
        let reasons = DropReason::ALL
            .into_iter()
            .map(|reason| (reason.as_str(), self.dropped(reason)));
        let rest = [
            ("rejected", self.rejected),
            ("queued", self.queued),
            ("in flight", self.in_flight),
            ("spooled", self.spooled),
            ("recovered", self.recovered),
        ];
        let told = reasons.chain(rest).filter(|(_, count)| *count > 0);
        for (name, count) in told {
            write!(f, ", {name} {count}")?;
        }
        Ok(())
    }
}

/// Reads the numbers of one pipeline, wherever that is; made by
/// [`Pipeline::stats_handle`](crate::Pipeline::stats_handle).
///
/// It keeps nothing running, and still tells the last numbers when the pipeline
/// is gone. Clones are cheap.
///
/// ```
/// # use rum_trace_otlp::{Pipeline, Stats};
/// # use std::time::Duration;
/// let pipeline = Pipeline::builder().service_name("shop").build()?;
/// let handle = pipeline.stats_handle();
/// pipeline.shutdown(Duration::from_secs(5))?;
/// assert_eq!(handle.stats(), Stats::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StatsHandle(Option<Arc<Accounts>>);

impl StatsHandle {
    pub(crate) fn new(accounts: Option<Arc<Accounts>>) -> Self {
        StatsHandle(accounts)
    }

    /// Where every span went, up to now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.as_ref().map(|it| it.snapshot()).unwrap_or_default()
    }
}

/// The books of a pipeline: what came to the door is counted by the queue, what
/// became of it by the export thread, here.
#[derive(Debug)]
pub(crate) struct Accounts {
    queue: Arc<Queue>,
    ledger: ForkLock<Ledger>,
}

/// A snapshot, with what came to the door and what was let in to be exported.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) stats: Stats,
    pub(crate) door: Door,
    pub(crate) taken: u64,
}

impl Books {
    /// Spans that the export thread had taken and lost.
    pub(crate) fn dropped_after_the_door(&self, reason: DropReason) -> u64 {
        let at_the_door = match reason {
            DropReason::QueueFull => self.door.full,
            DropReason::AfterShutdown => self.door.late,
            DropReason::Forked => self.door.forked,
            _ => 0,
        };
        self.stats.dropped(reason) - at_the_door
    }
}

/// What the export thread took from the queue, and where it is.
#[derive(Debug, Default)]
struct Ledger {
    taken: u64,
    waiting: u64,
    in_flight: u64,
    exported: u64,
    rejected: u64,
    dropped: [u64; DropReason::COUNT],
    recovered: u64,
    spool: Spooled,
    /// Spans that were delivered although the spool had evicted them meanwhile.
    delivered_all_the_same: u64,
    /// What the last lost spans were lost by.
    last_failure: Option<String>,
    /// The pipeline is shut down: what had no fate then is lost.
    closed: bool,
}

/// What the spool tells of itself, in spans.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spooled {
    pub(crate) held: u64,
    pub(crate) evicted: u64,
    pub(crate) damaged: u64,
}

/// Where a batch was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Waiting,
    InFlight,
}

impl Accounts {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Accounts {
            queue,
            ledger: ForkLock::default(),
        }
    }

    /// Spans leave the queue for a batch.
    pub(crate) fn taken(&self, spans: u64) {
        self.change(|ledger| {
            ledger.taken += spans;
            ledger.waiting += spans;
        });
    }

    /// A batch is being sent.
    pub(crate) fn sending(&self, spans: u64) {
        self.change(|ledger| {
            ledger.waiting -= spans;
            ledger.in_flight += spans;
        });
    }

    /// It was not taken, and waits for another attempt.
    pub(crate) fn put_back(&self, spans: u64, cause: &str) {
        self.change(|ledger| {
            ledger.in_flight -= spans;
            ledger.waiting += spans;
            ledger.last_failure = Some(cause.to_owned());
        });
    }

    /// A batch was acknowledged, but for `rejected` of its spans.
    pub(crate) fn delivered(&self, spans: u64, rejected: u64, reason: &str) {
        let rejected = rejected.min(spans);
        self.change(|ledger| {
            ledger.in_flight -= spans;
            ledger.exported += spans - rejected;
            ledger.rejected += rejected;
            if rejected > 0 {
                ledger.last_failure =
                    Some(format!("the collector rejected {rejected} spans: {reason}"));
            }
        });
    }

    /// The batch that is being sent is lost.
    pub(crate) fn lost_in_flight(&self, spans: u64, reason: DropReason, cause: &str) {
        self.change(|ledger| {
            ledger.in_flight -= spans;
            ledger.dropped[reason as usize] += spans;
            ledger.last_failure = Some(cause.to_owned());
        });
    }

    /// Whatever is being sent is lost: the thread that knew has panicked.
    pub(crate) fn lost_all_in_flight(&self, cause: &str) {
        self.change(|ledger| {
            let spans = std::mem::take(&mut ledger.in_flight);
            ledger.dropped[DropReason::ExporterPanic as usize] += spans;
            ledger.last_failure = Some(cause.to_owned());
        });
    }

    /// A batch is lost.
    pub(crate) fn lost(&self, spans: u64, from: Place, reason: DropReason, cause: Option<&str>) {
        self.change(|ledger| {
            *ledger.place(from) -= spans;
            ledger.dropped[reason as usize] += spans;
            if let Some(cause) = cause {
                ledger.last_failure = Some(cause.to_owned());
            }
        });
    }

    /// What was found in the spool at the start.
    pub(crate) fn recovered(&self, spans: u64, spool: Spooled) {
        self.change(|ledger| {
            ledger.recovered = spans;
            ledger.spool = spool;
        });
    }

    /// A batch is on disk now.
    pub(crate) fn spooled(&self, spans: u64, from: Place, spool: Spooled) {
        self.change(|ledger| {
            *ledger.place(from) -= spans;
            ledger.spool = spool;
        });
    }

    /// The spool changed of itself.
    pub(crate) fn sync(&self, spool: Spooled) {
        self.change(|ledger| ledger.spool = spool);
    }

    /// A batch from the spool was acknowledged. If it was not `held` any more
    /// the spool has counted it as evicted.
    pub(crate) fn delivered_from_spool(
        &self,
        spans: u64,
        rejected: u64,
        reason: &str,
        held: bool,
        spool: Spooled,
    ) {
        let rejected = rejected.min(spans);
        self.change(|ledger| {
            ledger.exported += spans - rejected;
            ledger.rejected += rejected;
            ledger.spool = spool;
            if !held {
                ledger.delivered_all_the_same += spans;
            }
            if rejected > 0 {
                ledger.last_failure =
                    Some(format!("the collector rejected {rejected} spans: {reason}"));
            }
        });
    }

    /// A batch from the spool is lost.
    pub(crate) fn lost_from_spool(
        &self,
        spans: u64,
        reason: DropReason,
        cause: &str,
        spool: Spooled,
    ) {
        self.change(|ledger| {
            ledger.dropped[reason as usize] += spans;
            ledger.spool = spool;
            ledger.last_failure = Some(cause.to_owned());
        });
    }

    /// The end: what has no fate yet will not have a better one, and what the
    /// export thread may still find out changes nothing.
    pub(crate) fn close(&self) {
        let mut ledger = self.lock();
        if !std::mem::replace(&mut ledger.closed, true) {
            let pending = ledger.waiting + ledger.in_flight;
            ledger.dropped[DropReason::ShutdownDeadline as usize] += pending;
            ledger.waiting = 0;
            ledger.in_flight = 0;
        }
    }

    pub(crate) fn last_failure(&self) -> Option<String> {
        self.lock().last_failure.clone()
    }

    pub(crate) fn snapshot(&self) -> Stats {
        self.books().stats
    }

    pub(crate) fn books(&self) -> Books {
        let ledger = self.lock();
        // Read after what was taken, it cannot be less than that.
        let door = self.queue.door();
        Books {
            stats: ledger.stats(&door, self.queue.is_forked()),
            taken: ledger.taken,
            door,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Ledger)) {
        let mut ledger = self.lock();
        if !ledger.closed {
            change(&mut ledger);
        }
    }

    /// In a forked process whose books were being written at the fork, these
    /// are empty ones: all that came to the door is then counted as forked.
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock(self.queue.is_forked())
    }
}

impl Ledger {
    fn place(&mut self, place: Place) -> &mut u64 {
        match place {
            Place::Waiting => &mut self.waiting,
            Place::InFlight => &mut self.in_flight,
        }
    }

    fn stats(&self, door: &Door, forked: bool) -> Stats {
        let mut stats = Stats {
            started: door.started,
            ended: door.ended(),
            exported: self.exported,
            rejected: self.rejected,
            dropped: self.dropped,
            queued: self.waiting + (door.admitted - self.taken),
            in_flight: self.in_flight,
            recovered: self.recovered,
            spooled: self.spool.held,
        };
        stats.dropped[DropReason::SpoolFull as usize] +=
            self.spool.evicted - self.delivered_all_the_same;
        stats.dropped[DropReason::SpoolDamaged as usize] += self.spool.damaged;
        stats.dropped[DropReason::QueueFull as usize] += door.full;
        stats.dropped[DropReason::AfterShutdown as usize] += door.late;
        stats.dropped[DropReason::Forked as usize] += door.forked;
        if self.closed || forked {
            let reason = if forked {
                DropReason::Forked
            } else {
                DropReason::ShutdownDeadline
            };
            stats.dropped[reason as usize] += stats.pending();
            stats.queued = 0;
            stats.in_flight = 0;
        }
        stats
    }
}
