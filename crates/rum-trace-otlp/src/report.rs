//! What is said of the export in the log: the first trouble at once, then at
//! most a line in half a minute, and the recovery; always with numbers.

use std::time::Duration;

use tokio::time::Instant;

use crate::stats::{Accounts, Stats};
use crate::transport::Delivery;

const PAUSE: Duration = Duration::from_secs(30);

/// What has been said so far.
#[derive(Debug)]
pub(crate) struct Report {
    failing: bool,
    lost: u64,
    not_before: Option<Instant>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Report {
            failing: false,
            lost: 0,
            not_before: None,
        }
    }

    /// Says how many spans were lost, if there are more than were told.
    pub(crate) fn losses(&mut self, accounts: &Accounts, now: Instant) {
        if self.not_before.is_some_and(|moment| moment > now) {
            return;
        }
        let stats = accounts.snapshot();
        if stats.lost() > self.lost {
            self.lost = stats.lost();
            self.not_before = Some(now + PAUSE);
            let cause = accounts.last_failure().unwrap_or_default();
            tracing::warn!(lost = stats.lost(), %stats, cause, "spans were lost");
        }
    }

    /// An attempt failed.
    pub(crate) fn failure(&mut self, accounts: &Accounts, cause: &str) {
        if std::mem::replace(&mut self.failing, true) {
            tracing::debug!(cause, "a batch could not be exported");
        } else {
            let stats = accounts.snapshot();
            tracing::warn!(
                cause,
                waiting = waiting(&stats),
                "a batch could not be exported; spans are kept and tried again"
            );
        }
    }

    /// A batch was acknowledged.
    pub(crate) fn delivery(&mut self, accounts: &Accounts, delivery: &Delivery) {
        if std::mem::replace(&mut self.failing, false) {
            let stats = accounts.snapshot();
            tracing::info!(
                lost = stats.lost(),
                waiting = waiting(&stats),
                "the export works again; `lost` is the total since the start"
            );
        }
        if delivery.rejected > 0 || !delivery.message.is_empty() {
            tracing::warn!(
                rejected = delivery.rejected,
                reason = delivery.message,
                "the collector did not keep all spans of a batch"
            );
        }
    }
}

fn waiting(stats: &Stats) -> u64 {
    stats.pending()
}
