//! What arrived, what was continued, what was refused: as numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Carrier;

const CARRIERS: usize = Carrier::ALL.len();

/// A snapshot of an [`Instrumenter`](crate::Instrumenter)'s counters.
///
/// Every request is in exactly one class: continued by one carrier, with none
/// that names a span (`absent`), or with headers of which none could be
/// continued (`malformed`).
///
/// ```
/// use rum_trace_core::Instrumenter;
///
/// let stats = Instrumenter::builder().build()?.stats();
/// assert_eq!(stats.requests(), 0);
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests whose trace was continued, by carrier.
    continued: [u64; CARRIERS],
    /// Headers refused by their parser, by carrier. A request can have
    /// several, and can still be continued by another carrier.
    refused: [u64; CARRIERS],
    /// Requests in which no carrier that is read named a span: they start a new
    /// trace, or go on with the span that is active where they are served.
    pub absent: u64,
    /// Requests with trace headers of which none could be continued: they
    /// start a new trace.
    pub malformed: u64,
    /// Requests continued with the other valid carrier kept as a link, since
    /// the two disagreed.
    pub linked: u64,
    /// `tracestate` lists not carried on because a member was illegal, they had
    /// more than 32 of them, or there was no valid `traceparent`.
    pub tracestate_refused: u64,
    /// Values cut because they were over a limit.
    pub over_limit: u64,
    /// Requests that were [skipped](crate::InstrumenterBuilder::skip), or for
    /// which the [`filter`](crate::InstrumenterBuilder::filter) asked for no span. They are in one of the classes as well.
    pub filtered: u64,
}

impl Stats {
    /// Requests seen.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.continued.iter().sum::<u64>() + self.absent + self.malformed
    }

    /// Requests whose trace was continued from this carrier.
    #[must_use]
    pub fn continued(&self, carrier: Carrier) -> u64 {
        self.continued[carrier.index()]
    }

    /// Headers of this carrier that its parser refused.
    #[must_use]
    pub fn refused(&self, carrier: Carrier) -> u64 {
        self.refused[carrier.index()]
    }

    /// Requests that started a new trace.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.absent + self.malformed
    }
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    continued: [AtomicU64; CARRIERS],
    refused: [AtomicU64; CARRIERS],
    absent: AtomicU64,
    malformed: AtomicU64,
    linked: AtomicU64,
    tracestate_refused: AtomicU64,
    over_limit: AtomicU64,
    filtered: AtomicU64,
}

impl Counters {
    pub(crate) fn continued(&self, carrier: Carrier) {
        add(&self.continued[carrier.index()], 1);
    }

    pub(crate) fn refused(&self, carrier: Carrier) {
        add(&self.refused[carrier.index()], 1);
    }

    pub(crate) fn absent(&self) {
        add(&self.absent, 1);
    }

    pub(crate) fn malformed(&self) {
        add(&self.malformed, 1);
    }

    pub(crate) fn linked(&self) {
        add(&self.linked, 1);
    }

    pub(crate) fn tracestate_refused(&self) {
        add(&self.tracestate_refused, 1);
    }

    pub(crate) fn over_limit(&self, count: u32) {
        if count > 0 {
            add(&self.over_limit, u64::from(count));
        }
    }

    pub(crate) fn filtered(&self) {
        add(&self.filtered, 1);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        Stats {
            continued: std::array::from_fn(|i| read(&self.continued[i])),
            refused: std::array::from_fn(|i| read(&self.refused[i])),
            absent: read(&self.absent),
            malformed: read(&self.malformed),
            linked: read(&self.linked),
            tracestate_refused: read(&self.tracestate_refused),
            over_limit: read(&self.over_limit),
            filtered: read(&self.filtered),
        }
    }
}

// Relaxed: the counters order nothing, they are only read as numbers.
fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
