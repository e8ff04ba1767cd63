//! What arrived, what was continued, what was refused: as numbers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

use crate::{Carrier, Trust};

const CARRIERS: usize = Carrier::ALL.len();

/// More threads than this share sets.
const MAX_SETS: usize = 32;

/// A snapshot of an [`Instrumenter`](crate::Instrumenter)'s counters.
///
/// Every request is in exactly one class: continued by one carrier, with none
/// that names a span (`absent`), with headers of which none could be
/// continued (`malformed`), or not trusted ([`untrusted`](Self::untrusted)). A message whose context was
/// [extracted](crate::Instrumenter::extract) counts as a request.
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
    /// Requests that were not trusted and began a new trace with a link to the parent
    /// that they claim, if they claim one: [`Trust::Link`](crate::Trust::Link).
    pub untrusted_linked: u64,
    /// Requests that were not trusted and began a new trace of which nothing tells what
    /// they claim: [`Trust::Restart`](crate::Trust::Restart).
    pub untrusted_restarted: u64,
    /// Requests continued with the other valid carrier kept as a link, since
    /// the two disagreed. (A message's other carrier is only counted.)
    pub linked: u64,
    /// `tracestate` lists not carried on because a member was illegal, they had
    /// more than 32 of them, or there was no valid `traceparent`.
    pub tracestate_refused: u64,
    /// Values cut because they were over a limit, or not read or kept at all; those of
    /// attributes only where the span was described.
    pub over_limit: u64,
    /// Requests that were [skipped](crate::InstrumenterBuilder::skip), or for
    /// which the [`filter`](crate::InstrumenterBuilder::filter) asked for no span. They are in one of the classes as well.
    pub filtered: u64,
    /// Requests to other services that were to carry the trace.
    pub calls_traced: u64,
    /// Requests to others that carry nothing, because their host is not
    /// [one's own](crate::InstrumenterBuilder::own_host).
    pub calls_untraced: u64,
}

impl Stats {
    /// Requests seen.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.continued.iter().sum::<u64>() + self.absent + self.malformed + self.untrusted()
    }

    /// Requests that the [`TrustPolicy`](crate::TrustPolicy) did not let continue a
    /// trace, whatever their headers say.
    #[must_use]
    pub fn untrusted(&self) -> u64 {
        self.untrusted_linked + self.untrusted_restarted
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
        self.absent + self.malformed + self.untrusted()
    }
}

/// The counters behind [`Stats`]: a set for each of some threads, so that they
/// do not take the same line of memory from each other at every request.
#[derive(Debug)]
pub(crate) struct Counters {
    sets: Box<[CachePadded<Set>]>,
}

#[derive(Debug, Default)]
struct Set {
    continued: [AtomicU64; CARRIERS],
    refused: [AtomicU64; CARRIERS],
    absent: AtomicU64,
    malformed: AtomicU64,
    untrusted_linked: AtomicU64,
    untrusted_restarted: AtomicU64,
    linked: AtomicU64,
    tracestate_refused: AtomicU64,
    over_limit: AtomicU64,
    filtered: AtomicU64,
    calls_traced: AtomicU64,
    calls_untraced: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let sets = threads.next_power_of_two().min(MAX_SETS);
        Counters {
            sets: (0..sets).map(|_| CachePadded::default()).collect(),
        }
    }
}

impl Counters {
    /// This thread's.
    fn set(&self) -> &Set {
        // The mask is below the length, which is a power of two and not zero.
        &self.sets[thread_number() & (self.sets.len() - 1)]
    }

    pub(crate) fn continued(&self, carrier: Carrier) {
        add(&self.set().continued[carrier.index()], 1);
    }

    pub(crate) fn refused(&self, carrier: Carrier) {
        add(&self.set().refused[carrier.index()], 1);
    }

    pub(crate) fn absent(&self) {
        add(&self.set().absent, 1);
    }

    pub(crate) fn malformed(&self) {
        add(&self.set().malformed, 1);
    }

    pub(crate) fn untrusted(&self, trust: Trust) {
        let set = self.set();
        match trust {
            Trust::Restart => add(&set.untrusted_restarted, 1),
            _ => add(&set.untrusted_linked, 1),
        }
    }

    pub(crate) fn linked(&self) {
        add(&self.set().linked, 1);
    }

    pub(crate) fn tracestate_refused(&self) {
        add(&self.set().tracestate_refused, 1);
    }

    pub(crate) fn over_limit(&self, count: u32) {
        if count > 0 {
            add(&self.set().over_limit, u64::from(count));
        }
    }

    pub(crate) fn filtered(&self) {
        add(&self.set().filtered, 1);
    }

    /// A request to another service.
    pub(crate) fn called(&self, traced: bool) {
        let set = self.set();
        add(
            if traced {
                &set.calls_traced
            } else {
                &set.calls_untraced
            },
            1,
        );
    }

    pub(crate) fn snapshot(&self) -> Stats {
        let mut stats = Stats::default();
        for set in &self.sets {
            for carrier in 0..CARRIERS {
                stats.continued[carrier] += read(&set.continued[carrier]);
                stats.refused[carrier] += read(&set.refused[carrier]);
            }
            stats.absent += read(&set.absent);
            stats.malformed += read(&set.malformed);
            stats.untrusted_linked += read(&set.untrusted_linked);
            stats.untrusted_restarted += read(&set.untrusted_restarted);
            stats.linked += read(&set.linked);
            stats.tracestate_refused += read(&set.tracestate_refused);
            stats.over_limit += read(&set.over_limit);
            stats.filtered += read(&set.filtered);
            stats.calls_traced += read(&set.calls_traced);
            stats.calls_untraced += read(&set.calls_untraced);
        }
        stats
    }
}

// Relaxed: the counters order nothing, they are only read as numbers.
fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Threads are numbered in the order in which they first count something.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // A thread that is ending may have lost its number.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_adds_up() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    (0..100).for_each(|_| counters.continued(Carrier::Sw8));
                    counters.over_limit(3);
                });
            }
        });
        let stats = counters.snapshot();
        assert_eq!(stats.continued(Carrier::Sw8), 4_000);
        assert_eq!((stats.requests(), stats.over_limit), (4_000, 120));
    }
}
