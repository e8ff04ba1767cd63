//! All rows of the tables.

use rum_trace_bench_requests::load::Load;
use rum_trace_bench_requests::ours::{RUM_TRACE, YARDSTICKS};
use rum_trace_bench_requests::row::{Maker, Row, rows};

use crate::peers;

/// What is measured: yardsticks, peers, ours.
#[must_use]
pub fn makers() -> Vec<Maker> {
    let peers = peers::axum::PEERS.iter().chain(&peers::actix::PEERS);
    YARDSTICKS
        .iter()
        .chain(peers)
        .chain(&RUM_TRACE)
        .copied()
        .collect()
}

/// All rows.
#[must_use]
pub fn all() -> Vec<Row> {
    rows(&makers(), &Load::ALL)
}
