//! What a service under test tells of itself.

use std::collections::BTreeMap;

use rum_trace::otlp::{DropReason, Stats};
use serde::{Deserialize, Serialize};

/// Where its spans are, by its own account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Books {
    /// Spans that the service has made, counted beside the pipeline.
    pub(crate) created: u64,
    /// Spans that have ended, as the pipeline counts them.
    pub(crate) ended: u64,
    pub(crate) exported: u64,
    pub(crate) rejected: u64,
    /// By reason, those that are not zero.
    pub(crate) dropped: BTreeMap<String, u64>,
    pub(crate) queued: u64,
    pub(crate) in_flight: u64,
    pub(crate) spooled: u64,
    pub(crate) recovered: u64,
}

impl Books {
    pub(crate) fn of(stats: &Stats, created: u64) -> Self {
        let dropped = DropReason::ALL
            .into_iter()
            .map(|reason| (reason.as_str().to_owned(), stats.dropped(reason)))
            .filter(|(_, spans)| *spans > 0)
            .collect();
        Books {
            created,
            ended: stats.ended(),
            exported: stats.exported(),
            rejected: stats.rejected(),
            dropped,
            queued: stats.queued(),
            in_flight: stats.in_flight(),
            spooled: stats.spooled(),
            recovered: stats.recovered(),
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        self.rejected + self.dropped.values().sum::<u64>()
    }

    /// Spans that ended, or came from the spool, and are in no count.
    pub(crate) fn in_no_count(&self) -> i64 {
        let places = self.exported + self.lost() + self.queued + self.in_flight + self.spooled;
        (self.ended + self.recovered) as i64 - places as i64
    }
}

/// The last words of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Farewell {
    pub(crate) books: Books,
    /// What the pipeline's shutdown returned: `ok`, or the error's text.
    pub(crate) shutdown: Result<(), String>,
}

/// The first words: where it listens.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Greeting {
    pub(crate) port: u16,
}
