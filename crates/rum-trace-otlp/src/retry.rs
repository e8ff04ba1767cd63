//! Delivering one batch: attempts with growing pauses until it is
//! acknowledged, refused, or its time is over.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::ExportError;
use crate::transport::{Delivery, Failure, Retry, Transport};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(1_600);

/// Delivers `body` within `budget`, all attempts together.
///
/// A batch can be delivered twice: one whose acknowledgement got lost is sent
/// again (OTLP is at-least-once).
pub(crate) async fn deliver(
    transport: &Transport,
    body: Bytes,
    budget: Duration,
) -> Result<Delivery, ExportError> {
    let deadline = Instant::now() + budget;
    let mut pauses = Pauses::new();
    loop {
        let attempt = timeout_at(deadline, transport.attempt(body.clone())).await;
        let failure = match attempt {
            Ok(Ok(delivery)) => return Ok(delivery),
            Ok(Err(failure)) => failure,
            Err(_) => {
                return Err(ExportError(format!(
                    "no answer within the timeout of {budget:?}{}",
                    pauses.attempts()
                )));
            }
        };
        let left = deadline.saturating_duration_since(Instant::now());
        match pauses.next(failure.retry).filter(|pause| *pause < left) {
            Some(pause) => sleep(pause).await,
            None => return Err(give_up(&failure, &pauses)),
        }
    }
}

fn give_up(failure: &Failure, pauses: &Pauses) -> ExportError {
    ExportError(format!("{}{}", failure.message, pauses.attempts()))
}

/// The pauses between the attempts: doubled each time, with a random part, so
/// that the services of a fleet do not all come back in the same moment.
struct Pauses {
    next: Duration,
    attempts: u32,
}

impl Pauses {
    fn new() -> Self {
        Self {
            next: FIRST_PAUSE,
            attempts: 0,
        }
    }

    /// The pause after a failure; `None` where another attempt makes no sense.
    fn next(&mut self, retry: Retry) -> Option<Duration> {
        self.attempts = self.attempts.saturating_add(1);
        let base = self.next;
        self.next = (base * 2).min(LONGEST_PAUSE);
        match retry {
            Retry::Never => None,
            Retry::Backoff => Some(base.mul_f64(0.5 + 0.5 * random())),
            Retry::After(pause) => Some(pause.max(base.mul_f64(0.5))),
        }
    }

    /// For a message: how often it was tried, if more than once.
    fn attempts(&self) -> String {
        match self.attempts {
            0 | 1 => String::new(),
            attempts => format!(" (after {attempts} attempts)"),
        }
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
    fn pauses_grow_to_their_limit() {
        let mut pauses = Pauses::new();
        for base in [100, 200, 400, 800, 1_600, 1_600] {
            let base = Duration::from_millis(base);
            let pause = pauses.next(Retry::Backoff).unwrap();
            assert!((base / 2..=base).contains(&pause), "{pause:?}");
        }
        assert_eq!(pauses.attempts(), " (after 6 attempts)");
    }

    #[test]
    fn the_collectors_pause_is_kept_and_a_refusal_is_final() {
        let mut pauses = Pauses::new();
        let wanted = Duration::from_secs(3);
        assert_eq!(pauses.next(Retry::After(wanted)), Some(wanted));
        // Even one that says "at once" does not get a busy loop.
        assert!(pauses.next(Retry::After(Duration::ZERO)) >= Some(Duration::from_millis(100)));
        assert_eq!(pauses.next(Retry::Never), None);
    }
}
