//! The traces in memory: bounded, the oldest goes first.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rum_trace_propagation::{SpanId, TraceId};
use tokio::sync::watch;

use super::Span;

/// What a span takes in the tables beside its own weight, roughly.
const SPAN_OVERHEAD: usize = 64;

/// How much is kept. Over either limit the trace that came first goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) traces: usize,
    /// Of memory, for all spans together; estimated.
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

/// All received spans, by trace.
#[derive(Debug)]
pub(crate) struct Store {
    limits: Limits,
    traces: Mutex<Traces>,
    /// How many spans were received, so that one can wait for more.
    received: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Traces {
    by_id: HashMap<TraceId, Trace>,
    /// In order of arrival.
    order: VecDeque<TraceId>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Trace {
    spans: Vec<Arc<Span>>,
    known: HashSet<SpanId>,
    bytes: usize,
}

impl Store {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            traces: Mutex::default(),
            received: watch::Sender::new(0),
        }
    }

    pub(crate) fn insert(&self, spans: impl IntoIterator<Item = Span>) {
        let mut added = 0;
        {
            let mut traces = self.lock();
            for span in spans {
                added += u64::from(traces.insert(span));
                // After each span: a single request must not go over either.
                traces.shrink(self.limits);
            }
        }
        if added > 0 {
            self.received.send_modify(|received| *received += added);
        }
    }

    /// The spans of a trace, in order of arrival.
    pub(crate) fn trace(&self, id: TraceId) -> Vec<Arc<Span>> {
        let traces = self.lock();
        traces
            .by_id
            .get(&id)
            .map(|trace| trace.spans.clone())
            .unwrap_or_default()
    }

    /// Spans received since the start, whether they are still here or not.
    pub(crate) fn received(&self) -> u64 {
        *self.received.borrow()
    }

    /// Tells of each arrival.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.received.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Traces> {
        // No panic can leave the tables half changed in a way that matters.
        self.traces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Traces {
    /// False for a span that is here already: an exporter that got no answer
    /// sends again.
    fn insert(&mut self, span: Span) -> bool {
        let bytes = span.weight() + SPAN_OVERHEAD;
        let trace = self.by_id.entry(span.trace_id).or_insert_with(|| {
            self.order.push_back(span.trace_id);
            Trace::default()
        });
        let new = trace.known.insert(span.span_id);
        if new {
            trace.spans.push(Arc::new(span));
            trace.bytes = trace.bytes.saturating_add(bytes);
            self.bytes = self.bytes.saturating_add(bytes);
        }
        new
    }

    fn shrink(&mut self, limits: Limits) {
        while self.order.len() > limits.traces || self.bytes > limits.bytes {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(trace) = self.by_id.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(trace.bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::SpanBuilder;

    fn span(trace: u8, span: u8, name: &str) -> Span {
        let span = SpanBuilder::new("shop", trace, span, 0).name(name);
        span.try_build().unwrap()
    }

    fn insert(store: &Store, trace: u8, id: u8) {
        store.insert([span(trace, id, "")]);
    }

    fn count(store: &Store, trace: u8) -> usize {
        store.trace(TraceId::from_bytes([trace; 16]).unwrap()).len()
    }

    #[test]
    fn a_span_that_is_sent_twice_is_kept_once() {
        let store = Store::new(Limits::default());
        insert(&store, 1, 1);
        insert(&store, 1, 2);
        insert(&store, 1, 1);
        // The same span id in another trace is another span.
        insert(&store, 2, 1);
        assert_eq!((count(&store, 1), count(&store, 2)), (2, 1));
        assert_eq!(store.received(), 3);
    }

    #[test]
    fn over_the_limit_of_traces_the_oldest_goes() {
        let limits = Limits {
            traces: 2,
            ..Limits::default()
        };
        let store = Store::new(limits);
        for trace in [1, 2, 1, 3] {
            insert(&store, trace, trace);
        }
        let kept: Vec<_> = (1..=3).map(|trace| count(&store, trace)).collect();
        assert_eq!(kept, [0, 1, 1]);
        assert_eq!(store.received(), 3);
    }

    #[test]
    fn over_the_limit_of_bytes_the_oldest_goes() {
        let room_for_two = 2 * (span(1, 1, "").weight() + SPAN_OVERHEAD);
        let limits = Limits {
            traces: 100,
            bytes: room_for_two,
        };
        let store = Store::new(limits);
        for trace in 1..=3 {
            insert(&store, trace, 1);
        }
        let kept: Vec<_> = (1..=3).map(|trace| count(&store, trace)).collect();
        assert_eq!(kept, [0, 1, 1]);
        // What does not fit at all leaves nothing behind, and breaks nothing.
        store.insert([span(4, 1, &"x".repeat(room_for_two))]);
        assert!((1..=4).all(|trace| count(&store, trace) == 0));
        assert_eq!(store.lock().bytes, 0);
        insert(&store, 5, 1);
        assert_eq!(count(&store, 5), 1);
    }
}
