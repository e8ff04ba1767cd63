//! How many requests one of our services put into which class: of its `Stats`, what the
//! tables look at.

use rum_trace::{Carrier, Stats};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Continued by `traceparent`.
    pub(crate) w3c: u64,
    pub(crate) sw8: u64,
    pub(crate) absent: u64,
    pub(crate) malformed: u64,
    pub(crate) linked: u64,
    pub(crate) tracestate_refused: u64,
}

impl Counts {
    pub(crate) fn of(stats: &Stats) -> Self {
        Counts {
            w3c: stats.continued(Carrier::W3c),
            sw8: stats.continued(Carrier::Sw8),
            absent: stats.absent,
            malformed: stats.malformed,
            linked: stats.linked,
            tracestate_refused: stats.tracestate_refused,
        }
    }

    /// What has come since; counters only grow.
    pub(crate) fn since(self, before: Counts) -> Self {
        Counts {
            w3c: self.w3c.saturating_sub(before.w3c),
            sw8: self.sw8.saturating_sub(before.sw8),
            absent: self.absent.saturating_sub(before.absent),
            malformed: self.malformed.saturating_sub(before.malformed),
            linked: self.linked.saturating_sub(before.linked),
            tracestate_refused: self
                .tracestate_refused
                .saturating_sub(before.tracestate_refused),
        }
    }
}
