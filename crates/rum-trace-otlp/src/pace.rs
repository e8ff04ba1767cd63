//! When to try again: pauses that grow, with a random part, until a collector
//! takes something again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Retry;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Short enough that a restarted collector is soon noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A collector that asks for more is not believed: it would never be asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// The state of a connection that may have failed. One for all batches: what
/// the collector did not take from one it would not take from the next.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Duration,
    not_before: Option<Instant>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Pace {
            next: FIRST_PAUSE,
            not_before: None,
        }
    }

    /// When the next attempt may be made; `None`: at once.
    pub(crate) fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Pace::new();
    }

    /// After a failure that may pass. Doubled each time, with a random part, so
    /// that the services of a fleet do not all come back in the same moment. A
    /// pause that the collector asks for is kept whole.
    pub(crate) fn failed(&mut self, retry: Retry, now: Instant) {
        let base = self.next;
        self.next = (base * 2).min(LONGEST_PAUSE);
        let own = base.mul_f64(0.5 + 0.5 * random());
        let pause = match retry {
            Retry::After(pause) => pause.max(own),
            Retry::Backoff | Retry::Never => own,
        };
        self.not_before = now.checked_add(pause.min(LONGEST_WAIT));
    }
}

/// A number from 0 to 1. The standard library's hash keys are random enough
/// for a pause.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_start_anew() {
        let mut pace = Pace::new();
        let now = Instant::now();
        for base in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            pace.failed(Retry::Backoff, now);
            let base = Duration::from_millis(base);
            let pause = pace.not_before().unwrap() - now;
            assert!((base / 2..=base).contains(&pause), "{pause:?}");
        }
        pace.succeeded();
        assert_eq!(pace.not_before(), None);
        pace.failed(Retry::Backoff, now);
        assert!(pace.not_before().unwrap() - now <= FIRST_PAUSE);
    }

    #[test]
    fn the_collectors_pause_is_kept_whole() {
        let mut pace = Pace::new();
        let now = Instant::now();
        let wanted = Duration::from_secs(3_600);
        pace.failed(Retry::After(wanted), now);
        assert_eq!(pace.not_before().unwrap() - now, wanted);
        pace.failed(Retry::After(Duration::MAX), now);
        assert_eq!(pace.not_before().unwrap() - now, LONGEST_WAIT);
        // Even one that says "at once" does not get a busy loop.
        pace.failed(Retry::After(Duration::ZERO), now);
        assert!(pace.not_before().unwrap() - now >= FIRST_PAUSE / 2);
    }
}
