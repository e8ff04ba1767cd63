//! What is read from the tables.

use std::sync::Arc;

use rum_trace_propagation::TraceId;

use super::super::trace::Trace;
use super::super::{Changes, Counts, Limits, Listed};
use super::Table;
use crate::analysis::topology::{Peers, Topology};

impl Table {
    pub(in super::super) fn peers(&self) -> Arc<Peers> {
        Arc::clone(&self.peers)
    }

    pub(in super::super) fn get(&self, id: TraceId) -> Option<&Trace> {
        self.find(id).map(|(_, trace)| trace)
    }

    /// With its number of arrival.
    pub(in super::super) fn find(&self, id: TraceId) -> Option<(u64, &Trace)> {
        let arrival = *self.by_id.get(&id)?;
        Some((arrival, self.at(arrival)?))
    }

    pub(in super::super) fn newest(&self, before: Option<u64>, most: usize) -> Vec<Listed> {
        let end = before.map_or(self.traces.len(), |before| self.place(before).unwrap_or(0));
        let all = self.traces.iter().enumerate().take(end).rev();
        let listed =
            |(place, trace): (usize, &Trace)| trace.listed(self.first.saturating_add(place as u64));
        all.take(most).map(listed).collect()
    }

    pub(in super::super) fn changes_since(&self, sequence: u64, most: usize) -> Changes {
        let since = (sequence.saturating_add(1), 0);
        let changed = || self.by_change.range(since..).rev();
        let traces: Vec<_> = changed()
            .take(most)
            .filter_map(|(_, arrival)| Some(self.at(*arrival)?.listed(*arrival)))
            .collect();
        Changes {
            more: changed().count().saturating_sub(traces.len()),
            traces,
            sequence: self.sequence,
        }
    }

    pub(in super::super) fn topologies(&self) -> Vec<Arc<Topology>> {
        self.traces.iter().filter_map(Trace::topology).collect()
    }

    pub(in super::super) fn counts(&self) -> Counts {
        Counts {
            traces: self.traces.len() as u64,
            bytes: self.bytes as u64,
            ..self.counts
        }
    }

    pub(in super::super) const fn limits(&self) -> Limits {
        self.limits
    }

    pub(in super::super) const fn sequence(&self) -> u64 {
        self.sequence
    }
}
