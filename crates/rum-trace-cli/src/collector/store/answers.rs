//! What the store gives: copies, so that nobody holds its lock.

use std::sync::Arc;

use rum_trace_propagation::TraceId;

use super::super::Span;
use crate::analysis;
use crate::analysis::digest::Digest;
use crate::analysis::findings::Evidence;
use crate::analysis::summary::Summary;
use crate::analysis::topology::{Peers, Topology};

/// What the store holds, and what became of what it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) traces: u64,
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
    /// Spans that were taken, whether they are still here or not.
    pub(crate) received: u64,
    /// Spans that were here already.
    pub(crate) duplicates: u64,
    /// Spans of a trace that takes a quarter of the memory by itself.
    pub(crate) trace_too_large: u64,
    pub(crate) evicted_traces: u64,
    pub(crate) evicted_spans: u64,
}

/// A trace as it was when it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) spans: Vec<Arc<Span>>,
    pub(crate) digest: Arc<Digest>,
    pub(crate) arrival: u64,
    pub(crate) sequence: u64,
    /// Whether nothing has arrived for it for a while.
    pub(crate) quiet: bool,
    pub(crate) peers: Arc<Peers>,
}

impl Kept {
    /// With its spans in their places.
    pub(crate) fn look<T>(&self, look: impl FnOnce(Evidence<'_>) -> T) -> T {
        analysis::look(&self.spans, self.quiet, &self.peers, look)
    }

    pub(crate) fn summary(&self, id: TraceId, findings: usize) -> Summary {
        Summary::new(id, &self.digest, findings, self.arrival, self.sequence)
    }
}

/// A trace without its spans.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: TraceId,
    /// Its place in the order of arrival.
    pub(crate) arrival: u64,
    pub(crate) digest: Arc<Digest>,
    pub(crate) findings: usize,
    /// As it was when the trace was quiet last.
    pub(crate) topology: Option<Arc<Topology>>,
    pub(crate) sequence: u64,
}

impl Listed {
    pub(crate) fn summary(&self) -> Summary {
        Summary::new(
            self.id,
            &self.digest,
            self.findings,
            self.arrival,
            self.sequence,
        )
    }
}

/// Traces that a search found.
#[derive(Debug)]
pub(crate) struct Found {
    /// The newest first, by the arrival of their first spans.
    pub(crate) traces: Vec<Listed>,
    /// Where to go on, if there may be more.
    pub(crate) next: Option<u64>,
    pub(crate) sequence: u64,
}

/// Traces that changed.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The last change first.
    pub(crate) traces: Vec<Listed>,
    /// How many more there were.
    pub(crate) more: usize,
    pub(crate) sequence: u64,
}
