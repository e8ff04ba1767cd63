//! Which outcomes a case has met, so that a test that meets none is noticed.

use std::collections::BTreeSet;

use rum_trace_otlp::{DropReason, Stats};

use super::answer::Log;
use super::verdict::Record;

pub(super) fn of(records: &[Record], log: &Log) -> BTreeSet<&'static str> {
    let met = |count: &dyn Fn(&Stats) -> u64| {
        let mut ends = records.iter().map(|record| &record.stats);
        ends.any(|stats| count(stats) > 0)
    };
    let mut seen: BTreeSet<_> = DropReason::ALL
        .into_iter()
        .filter(|reason| met(&|stats| stats.dropped(*reason)))
        .map(DropReason::as_str)
        .collect();
    let counts: [(_, fn(&Stats) -> u64); 4] = [
        ("exported", Stats::exported),
        ("rejected", Stats::rejected),
        ("recovered", Stats::recovered),
        ("spooled", Stats::spooled),
    ];
    let counts = counts.into_iter().filter(|(_, count)| met(count));
    seen.extend(counts.map(|(name, _)| name));
    if was_sent_again(log) {
        seen.insert("again");
    }
    seen
}

fn was_sent_again(log: &Log) -> bool {
    let mut once = BTreeSet::new();
    let log = log.lock();
    let mut spans = log.iter().flat_map(|request| &request.spans);
    spans.any(|name| !once.insert(name))
}
