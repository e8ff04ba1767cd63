//! One trace: its spans, and what is kept up with them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rum_trace_propagation::{SpanId, TraceId};

use super::super::Span;
use super::{Listed, QUIET};
use crate::analysis::digest::Digest;
use crate::analysis::facts;
use crate::analysis::topology::Topology;

#[derive(Debug)]
pub(super) struct Trace {
    pub(super) id: TraceId,
    spans: Vec<Arc<Span>>,
    /// By their ids, which two may share: see `analysis::tree`.
    ids: HashMap<SpanId, (u32, Option<u32>)>,
    /// SERVER spans that may be the phone's, until their parents arrive.
    candidates: BTreeSet<(u64, SpanId, Arc<str>, u32)>,
    digest: Arc<Digest>,
    /// Of the spans by themselves.
    span_bytes: usize,
    /// Of what its spans share, as far as it came with this trace.
    pub(super) shared_bytes: usize,
    pub(super) sequence: u64,
    last_arrival: Duration,
    /// When it is to be looked at, and since when it waits for that.
    pub(super) due: Option<Due>,
    settled: Option<Settled>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) at: Duration,
    pub(super) since: Duration,
}

/// What was found in a trace when it was looked at as a whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settled {
    pub(super) findings: usize,
    pub(super) topology: Arc<Topology>,
    /// Of the topology, which is asked for with each span.
    weight: usize,
}

impl Settled {
    pub(super) fn new(findings: usize, topology: Topology) -> Self {
        Self {
            findings,
            weight: topology.weight(),
            topology: Arc::new(topology),
        }
    }
}

impl Trace {
    pub(super) fn new(id: TraceId) -> Self {
        Self {
            id,
            spans: Vec::new(),
            ids: HashMap::new(),
            candidates: BTreeSet::new(),
            digest: Arc::default(),
            span_bytes: 0,
            shared_bytes: 0,
            sequence: 0,
            last_arrival: Duration::ZERO,
            due: None,
            settled: None,
        }
    }

    pub(super) fn spans(&self) -> &[Arc<Span>] {
        &self.spans
    }

    pub(super) fn digest(&self) -> Arc<Digest> {
        Arc::clone(&self.digest)
    }

    pub(super) const fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn has(&self, span: SpanId) -> bool {
        self.ids.contains_key(&span)
    }

    pub(super) fn is_quiet(&self, now: Duration) -> bool {
        self.quiet_at() <= now
    }

    pub(super) fn quiet_at(&self) -> Duration {
        self.last_arrival.saturating_add(QUIET)
    }

    pub(super) fn listed(&self, arrival: u64) -> Listed {
        Listed {
            id: self.id,
            arrival,
            digest: self.digest(),
            findings: self.settled.as_ref().map_or(0, |settled| settled.findings),
            topology: self.topology(),
            sequence: self.sequence,
        }
    }

    pub(super) fn topology(&self) -> Option<Arc<Topology>> {
        self.settled
            .as_ref()
            .map(|settled| Arc::clone(&settled.topology))
    }

    /// Whether the span is here already: an exporter that got no answer sends
    /// again. A span of another kind or service is another one, though it has
    /// the same id; a third is none.
    pub(super) fn is_duplicate(&self, span: &Span) -> bool {
        let Some((first, second)) = self.ids.get(&span.span_id) else {
            return false;
        };
        let same = |at: u32| {
            self.span(at)
                .is_some_and(|known| known.kind == span.kind && known.service() == span.service())
        };
        second.is_some() || same(*first)
    }

    pub(super) fn insert(&mut self, span: Span, now: Duration) {
        self.span_bytes = self.span_bytes.saturating_add(weight(&span));
        self.last_arrival = now;
        let span = Arc::new(span);
        let index = u32::try_from(self.spans.len()).unwrap_or(u32::MAX);
        self.ids
            .entry(span.span_id)
            .and_modify(|(_, second)| *second = Some(index))
            .or_insert((index, None));
        if facts::may_be_asked_by_phone(&span) {
            let service = Arc::clone(&span.resource.service);
            self.candidates
                .insert((span.start, span.span_id, service, index));
        }
        self.spans.push(Arc::clone(&span));
        let entry = self.entry();
        // Copied only while somebody reads it.
        let digest = Arc::make_mut(&mut self.digest);
        digest.add(&span);
        digest.set_entry(entry);
    }

    /// About how many bytes it takes, without what its spans share with others.
    pub(super) fn weight(&self) -> usize {
        let candidates = self.candidates.len() * CANDIDATE;
        let settled = self.settled.as_ref().map_or(0, |settled| settled.weight);
        OVERHEAD
            + self.span_bytes
            + self.spans.capacity() * size_of::<Arc<Span>>()
            + map_weight(self.ids.capacity())
            + candidates
            + self.digest.weight()
            + settled
    }

    /// Whether another number was found than before.
    pub(super) fn settle(&mut self, settled: Settled) -> bool {
        let before = self.settled.as_ref().map_or(0, |before| before.findings);
        let other = before != settled.findings;
        self.settled = Some(settled);
        other
    }

    /// The first SERVER span that tells of a phone and misses its parent. One
    /// whose parent has come is none for good.
    fn entry(&mut self) -> Option<Arc<Span>> {
        while let Some((.., index)) = self.candidates.first() {
            let span = self.span(*index)?;
            if self.misses_parent(span) {
                return Some(Arc::clone(span));
            }
            self.candidates.pop_first();
        }
        None
    }

    fn misses_parent(&self, span: &Span) -> bool {
        let shares = self.ids.get(&span.span_id).and_then(|(first, second)| {
            let halves = [Some(*first), *second].into_iter().flatten();
            halves
                .filter_map(|at| self.span(at))
                .find(|half| facts::is_calling(half))
        });
        shares.is_none() && span.parent.is_some_and(|parent| !self.has(parent))
    }

    fn span(&self, index: u32) -> Option<&Arc<Span>> {
        self.spans.get(usize::try_from(index).ok()?)
    }
}

/// Of a span by itself: with the counters of its `Arc`, and what the allocator
/// adds.
pub(super) fn weight(span: &Span) -> usize {
    span.weight() + 32
}

/// Its places in the store's tables, which grow by doubling.
const OVERHEAD: usize = 2 * size_of::<Trace>() + 192;

/// An entry of the candidates, with the room that a tree leaves.
const CANDIDATE: usize = 64;

/// What a hash table takes that has room for so many.
fn map_weight(capacity: usize) -> usize {
    let slots = capacity.saturating_mul(8).div_ceil(7).next_power_of_two();
    if capacity == 0 {
        return 0;
    }
    slots.saturating_mul(size_of::<(SpanId, (u32, Option<u32>))>() + 1)
}
