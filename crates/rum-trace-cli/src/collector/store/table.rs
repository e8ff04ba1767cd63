//! The tables behind the lock.

mod reads;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rum_trace_propagation::TraceId;

use super::super::Span;
use super::shared::Shared;
use super::trace::{self, Due, Settled, Trace};
use super::{Counts, Limits};
use crate::analysis::topology::Peers;

/// For a trace to which spans come without a pause: it is looked at after this
/// time all the same.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Table {
    limits: Limits,
    /// In order of arrival. Traces leave only at the front, so that a trace's
    /// number of arrival says where it is.
    traces: VecDeque<Trace>,
    /// The number of the trace at the front.
    first: u64,
    /// Numbers of arrival.
    by_id: HashMap<TraceId, u64>,
    /// (last change, number of arrival)
    by_change: BTreeSet<(u64, u64)>,
    /// (when it is to be looked at, number of arrival)
    by_due: BTreeSet<(Duration, u64)>,
    shared: Shared,
    peers: Arc<Peers>,
    sequence: u64,
    bytes: usize,
    counts: Counts,
}

/// What came of an insertion.
pub(super) struct Inserted {
    pub(super) refused: u64,
    /// To be dropped without the lock: a trace can be large.
    _evicted: Vec<Trace>,
}

/// What came of a look at a trace.
#[derive(Default)]
pub(super) struct Outcome {
    /// Whether it is quiet still.
    pub(super) whole: bool,
    /// What had to go for what was found; to be dropped without the lock.
    pub(super) evicted: Vec<Trace>,
}

/// A trace that is to be looked at.
pub(super) struct Pending {
    pub(super) id: TraceId,
    pub(super) arrival: u64,
    pub(super) spans: Vec<Arc<Span>>,
    pub(super) quiet: bool,
}

impl Table {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            traces: VecDeque::new(),
            first: 0,
            by_id: HashMap::new(),
            by_change: BTreeSet::new(),
            by_due: BTreeSet::new(),
            shared: Shared::default(),
            peers: Arc::default(),
            sequence: 0,
            bytes: 0,
            counts: Counts::default(),
        }
    }

    /// Takes the spans as one change.
    pub(super) fn insert(
        &mut self,
        spans: impl IntoIterator<Item = Span>,
        now: Duration,
    ) -> Inserted {
        let refused = self.counts.trace_too_large;
        let sequence = self.sequence.saturating_add(1);
        let mut evicted = Vec::new();
        for span in spans {
            if self.insert_one(span, now, sequence) {
                self.sequence = sequence;
                // After each span: a single request must not go over either.
                self.shrink(&mut evicted);
            }
        }
        Inserted {
            refused: self.counts.trace_too_large.saturating_sub(refused),
            _evicted: evicted,
        }
    }

    /// False for a span that is not kept.
    fn insert_one(&mut self, span: Span, now: Duration, sequence: u64) -> bool {
        let arrival = self.by_id.get(&span.trace_id).copied();
        let known = arrival.and_then(|arrival| self.at(arrival));
        if known.is_some_and(|trace| trace.is_duplicate(&span)) {
            add(&mut self.counts.duplicates, 1);
            return false;
        }
        let known = known.map_or(0, |trace| trace.weight().saturating_add(trace.shared_bytes));
        let shared = self.shared.hold(&span);
        let more = shared.saturating_add(trace::weight(&span));
        if known.saturating_add(more) > self.limits.trace_bytes() {
            self.shared.release(&span);
            add(&mut self.counts.trace_too_large, 1);
            return false;
        }
        let arrival = arrival.unwrap_or_else(|| self.open(span.trace_id));
        let Some(trace) = self.at_mut(arrival) else {
            return false;
        };
        let before = trace.weight();
        trace.insert(span, now);
        trace.shared_bytes = trace.shared_bytes.saturating_add(shared);
        let grown = trace.weight().saturating_sub(before).saturating_add(shared);
        self.bytes = self.bytes.saturating_add(grown);
        self.counts.received = self.counts.received.saturating_add(1);
        self.counts.spans = self.counts.spans.saturating_add(1);
        self.changed(arrival, sequence);
        self.wait(arrival, now);
        true
    }

    fn open(&mut self, id: TraceId) -> u64 {
        let arrival = self.first.saturating_add(self.traces.len() as u64);
        let trace = Trace::new(id);
        self.bytes = self.bytes.saturating_add(trace.weight());
        self.traces.push_back(trace);
        self.by_id.insert(id, arrival);
        arrival
    }

    fn shrink(&mut self, evicted: &mut Vec<Trace>) {
        while self.traces.len() > self.limits.traces || self.bytes > self.limits.bytes {
            let Some(trace) = self.traces.pop_front() else {
                return;
            };
            let arrival = self.first;
            self.first = self.first.saturating_add(1);
            self.by_id.remove(&trace.id);
            self.by_change.remove(&(trace.sequence, arrival));
            if let Some(due) = trace.due {
                self.by_due.remove(&(due.at, arrival));
            }
            let shared = trace.spans().iter().map(|span| self.shared.release(span));
            let freed = trace.weight().saturating_add(shared.sum());
            self.bytes = self.bytes.saturating_sub(freed);
            let spans = trace.spans().len() as u64;
            self.counts.spans = self.counts.spans.saturating_sub(spans);
            add(&mut self.counts.evicted_traces, 1);
            add(&mut self.counts.evicted_spans, spans);
            evicted.push(trace);
        }
    }

    /// Lets go of all traces.
    #[cfg(test)]
    pub(super) fn empty(&mut self) {
        let limits = std::mem::replace(
            &mut self.limits,
            Limits {
                traces: 0,
                bytes: 0,
            },
        );
        self.shrink(&mut Vec::new());
        self.limits = limits;
        assert!(self.by_id.is_empty() && self.by_change.is_empty() && self.by_due.is_empty());
    }

    fn changed(&mut self, arrival: u64, sequence: u64) {
        let Some(trace) = self.at_mut(arrival) else {
            return;
        };
        let before = std::mem::replace(&mut trace.sequence, sequence);
        if before != sequence {
            self.by_change.remove(&(before, arrival));
            self.by_change.insert((sequence, arrival));
        }
    }

    /// It is looked at once it is quiet, if it does not wait for that already.
    fn wait(&mut self, arrival: u64, now: Duration) {
        if let Some(trace) = self.at_mut(arrival).filter(|trace| trace.due.is_none()) {
            let at = trace.quiet_at();
            trace.due = Some(Due { at, since: now });
            self.by_due.insert((at, arrival));
        }
    }

    /// The traces whose time has come. One that is not quiet comes again.
    pub(super) fn due(&mut self, now: Duration, most: usize) -> (Vec<Pending>, Arc<Peers>) {
        let mut pending = Vec::new();
        while let Some((_, arrival)) = self.by_due.first().filter(|(at, _)| *at <= now) {
            let arrival = *arrival;
            self.by_due.pop_first();
            if let Some(trace) = self.at_mut(arrival) {
                pending.extend(look_at(trace, arrival, now));
                if let Some(due) = trace.due {
                    self.by_due.insert((due.at, arrival));
                }
            }
            if pending.len() == most {
                break;
            }
        }
        (pending, Arc::clone(&self.peers))
    }

    /// Takes what was found in a trace, though spans may have come since: then it
    /// is looked at again, and until then this is the best that is known.
    pub(super) fn settle(&mut self, looked: &Pending, settled: Settled) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(trace) = self.at_mut(looked.arrival) else {
            return outcome;
        };
        outcome.whole = looked.quiet && trace.spans().len() == looked.spans.len();
        let before = trace.weight();
        let other = trace.settle(settled);
        let after = trace.weight();
        self.bytes = self.bytes.saturating_sub(before).saturating_add(after);
        // That it is quiet is news though the number is the same: who looked
        // meanwhile was not told what is missing.
        if outcome.whole || other {
            self.sequence = self.sequence.saturating_add(1);
            self.changed(looked.arrival, self.sequence);
        }
        self.shrink(&mut outcome.evicted);
        outcome
    }

    pub(super) fn learn(&mut self, news: Vec<(String, Arc<str>)>) {
        if !news.is_empty() {
            Arc::make_mut(&mut self.peers).learn(news);
        }
    }

    fn at(&self, arrival: u64) -> Option<&Trace> {
        self.traces.get(self.place(arrival)?)
    }

    fn at_mut(&mut self, arrival: u64) -> Option<&mut Trace> {
        let place = self.place(arrival)?;
        self.traces.get_mut(place)
    }

    fn place(&self, arrival: u64) -> Option<usize> {
        usize::try_from(arrival.checked_sub(self.first)?).ok()
    }
}

/// Copies a trace that is quiet, or has waited for that for too long.
fn look_at(trace: &mut Trace, arrival: u64, now: Duration) -> Option<Pending> {
    let quiet = trace.is_quiet(now);
    let since = trace.due.map_or(now, |due| due.since);
    let late = since.saturating_add(PATIENCE);
    let looked = quiet || late <= now;
    trace.due = (!quiet).then(|| Due {
        at: trace.quiet_at().min(if looked {
            now.saturating_add(PATIENCE)
        } else {
            late
        }),
        since: if looked { now } else { since },
    });
    looked.then(|| Pending {
        id: trace.id,
        arrival,
        spans: trace.spans().to_vec(),
        quiet,
    })
}

fn add(counter: &mut u64, more: u64) {
    *counter = counter.saturating_add(more);
}
