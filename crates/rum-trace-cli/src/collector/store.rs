//! The traces in memory: bounded, the oldest goes first.
//!
//! What lists need is kept up with each span, so that a search reads no spans.
//! Whatever takes long (matching, analysis, the freeing of what is evicted)
//! happens on what was copied out of the lock.

mod answers;
mod clock;
mod filter;
mod shared;
mod table;
mod trace;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rum_trace_propagation::TraceId;
use tokio::sync::watch;

use super::Span;
use crate::analysis;
use crate::analysis::findings::Findings;
use crate::analysis::topology::{Peers, Topology};

pub(crate) use answers::{Changes, Counts, Found, Kept, Listed};
pub(crate) use clock::Clock;
pub(crate) use filter::{Filter, StatusFilter};
use table::Table;
use trace::Settled;

/// How long nothing may arrive for a trace before it is taken to be whole.
pub(crate) const QUIET: Duration = Duration::from_secs(2);
/// How many traces are copied out, or looked through, at a time.
const CHUNK: usize = 1_024;

/// How much is kept. Over either limit the trace that came first goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) traces: usize,
    /// Of memory, for all traces together with their tables; estimated.
    pub(crate) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            traces: 1_000,
            bytes: 16 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// A single trace may take a quarter: then there is room for others beside.
    const fn trace_bytes(self) -> usize {
        self.bytes / 4
    }
}

/// All received spans, by trace.
#[derive(Debug)]
pub(crate) struct Store {
    clock: Clock,
    table: Mutex<Table>,
    /// The sequence number of the last change, so that one can wait for more.
    changed: watch::Sender<u64>,
}

impl Store {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with_clock(limits, Clock::system())
    }

    pub(crate) fn with_clock(limits: Limits, clock: Clock) -> Self {
        Self {
            clock,
            table: Mutex::new(Table::new(limits)),
            changed: watch::Sender::new(0),
        }
    }

    /// Takes the spans, and says how many it could not.
    pub(crate) fn insert(&self, spans: impl IntoIterator<Item = Span>) -> u64 {
        let now = self.clock.now();
        let (inserted, changed) = {
            let mut table = self.lock();
            (table.insert(spans, now), table.sequence())
        };
        self.tell(changed);
        // What was evicted is freed here, beside the lock.
        inserted.refused
    }

    /// The spans of a trace, in order of arrival.
    pub(crate) fn trace(&self, id: TraceId) -> Vec<Arc<Span>> {
        let table = self.lock();
        table
            .get(id)
            .map(|trace| trace.spans().to_vec())
            .unwrap_or_default()
    }

    pub(crate) fn get(&self, id: TraceId) -> Option<Kept> {
        let now = self.clock.now();
        let table = self.lock();
        let (arrival, trace) = table.find(id)?;
        Some(Kept {
            spans: trace.spans().to_vec(),
            digest: trace.digest(),
            arrival,
            sequence: trace.sequence(),
            quiet: trace.is_quiet(now),
            peers: table.peers(),
        })
    }

    /// Whether a trace is here, and has the span.
    pub(crate) fn has_span(&self, id: TraceId, span: rum_trace_propagation::SpanId) -> bool {
        self.lock().get(id).is_some_and(|trace| trace.has(span))
    }

    /// The traces that a filter lets through: the newest first, and of those
    /// that came before `before`.
    pub(crate) fn search(&self, filter: &Filter, limit: usize, before: Option<u64>) -> Found {
        let sequence = self.lock().sequence();
        let mut traces = Vec::new();
        let mut matcher = filter.matcher();
        for listed in self.newest(before) {
            if !matcher.matches(&listed) {
                continue;
            }
            if traces.len() == limit {
                let next = traces.last().map(|last: &Listed| last.arrival);
                return Found {
                    traces,
                    next,
                    sequence,
                };
            }
            traces.push(listed);
        }
        Found {
            traces,
            next: None,
            sequence,
        }
    }

    /// All traces, the newest first, as they are when their turn comes.
    pub(crate) fn newest(&self, before: Option<u64>) -> impl Iterator<Item = Listed> + '_ {
        let mut before = before;
        let chunks = std::iter::from_fn(move || {
            let chunk = self.lock().newest(before, CHUNK);
            before = Some(chunk.last()?.arrival);
            Some(chunk)
        });
        chunks.flatten()
    }

    /// The traces that changed after the change with this number, at most so
    /// many: those that changed last.
    pub(crate) fn changes_since(&self, sequence: u64, most: usize) -> Changes {
        self.lock().changes_since(sequence, most)
    }

    /// The topologies of all traces that have been quiet once.
    pub(crate) fn topology(&self) -> Topology {
        let of_traces = self.lock().topologies();
        let mut all = Topology::default();
        for topology in of_traces {
            all.merge(&topology);
        }
        all
    }

    /// Looks at the traces for which nothing has arrived for a while, and gives
    /// those that are taken to be whole. To be called again and again.
    pub(crate) fn settle(&self) -> Vec<TraceId> {
        let now = self.clock.now();
        let mut whole = Vec::new();
        loop {
            let (due, peers) = self.lock().due(now, CHUNK);
            if due.is_empty() {
                return whole;
            }
            for trace in due {
                let (settled, news) = analyse(&trace.spans, trace.quiet, &peers);
                let mut table = self.lock();
                let outcome = table.settle(&trace, settled);
                table.learn(news);
                drop(table);
                drop(outcome.evicted);
                whole.extend(outcome.whole.then_some(trace.id));
            }
            let changed = self.lock().sequence();
            self.tell(changed);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.lock().limits()
    }

    /// The number of the last change.
    pub(crate) fn sequence(&self) -> u64 {
        self.lock().sequence()
    }

    /// Spans received since the start, whether they are still here or not.
    pub(crate) fn received(&self) -> u64 {
        self.counts().received
    }

    /// Tells of each change: an arrival, or what was found when a trace was
    /// quiet.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self, sequence: u64) {
        self.changed.send_if_modified(|known| {
            let news = *known < sequence;
            *known = sequence.max(*known);
            news
        });
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // No panic can leave the tables half changed in a way that matters.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type News = Vec<(String, Arc<str>)>;

fn analyse(spans: &[Arc<Span>], quiet: bool, peers: &Peers) -> (Settled, News) {
    analysis::look(spans, quiet, peers, |evidence| {
        let topology = Topology::of(spans, evidence.tree, evidence.tap, peers);
        let settled = Settled::new(Findings::of(evidence).count(), topology);
        (settled, peers.news(spans, evidence.tree))
    })
}

#[cfg(test)]
mod tests;
