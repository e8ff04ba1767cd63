//! `/status`: what is held, what came in, and what was refused.

use serde::Serialize;

use super::super::start::Shared;
use crate::collector::{IgnoredRequests, Refused};

#[derive(Debug, Serialize)]
pub(crate) struct Status {
    version: &'static str,
    receivers: Receivers,
    store: StoreStatus,
    received: Received,
    refused: Refused,
    ignored: IgnoredRequests,
    connections_turned_away: u64,
    sequence: u64,
}

#[derive(Debug, Serialize)]
struct Receivers {
    grpc: Option<String>,
    http: Option<String>,
}

#[derive(Debug, Serialize)]
struct StoreStatus {
    traces: u64,
    max_traces: usize,
    spans: u64,
    bytes: u64,
    max_bytes: usize,
    evicted_traces: u64,
    evicted_spans: u64,
}

#[derive(Debug, Serialize)]
struct Received {
    spans: u64,
    requests: u64,
    duplicates: u64,
}

impl Status {
    pub(crate) fn of(shared: &Shared) -> Self {
        let (counts, limits) = (shared.store.counts(), shared.store.limits());
        let stats = shared.collector.stats();
        let mut refused = stats.refused;
        refused
            .spans
            .insert("trace_too_large", counts.trace_too_large);
        // Of this page as of the receivers.
        let hosts = refused.requests.entry("host").or_default();
        *hosts = hosts.saturating_add(shared.refused_hosts());
        Self {
            version: env!("CARGO_PKG_VERSION"),
            receivers: Receivers {
                grpc: shared.collector.grpc().map(|address| address.to_string()),
                http: shared.collector.http().map(|address| address.to_string()),
            },
            store: StoreStatus {
                traces: counts.traces,
                max_traces: limits.traces,
                spans: counts.spans,
                bytes: counts.bytes,
                max_bytes: limits.bytes,
                evicted_traces: counts.evicted_traces,
                evicted_spans: counts.evicted_spans,
            },
            received: Received {
                spans: counts.received,
                requests: stats.requests,
                duplicates: counts.duplicates,
            },
            refused,
            ignored: stats.ignored,
            connections_turned_away: stats.connections_turned_away,
            sequence: shared.store.sequence(),
        }
    }
}
