//! What is said of it in the log: the first of a kind at once, the next ones ever
//! more rarely, each time with how many there were since.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use super::Topic;

/// After the first line of a topic; each further pause is twice as long.
const FIRST_PAUSE: u64 = 60;

/// The longest pause: an hour, in seconds.
const LONGEST_PAUSE: u64 = 3_600;

/// What has been said so far. There are a few topics, and none is made of what a
/// client sends: so the log cannot be filled from outside.
#[derive(Debug)]
pub(crate) struct Journal {
    since: Instant,
    topics: [Pace; Topic::COUNT],
}

/// How often a topic is written about.
#[derive(Debug)]
struct Pace {
    /// When it may be written about again, in seconds since the journal's begin.
    due: AtomicU64,
    lines: AtomicU32,
    /// How many there had been at the last line.
    told: AtomicU64,
}

impl Default for Journal {
    fn default() -> Self {
        Journal {
            since: Instant::now(),
            topics: [const { Pace::new() }; Topic::COUNT],
        }
    }
}

impl Journal {
    /// Writes about a topic, if it is time. `total` is how many there were so far.
    #[cold]
    #[inline(never)]
    pub(crate) fn report(&self, topic: Topic, total: impl FnOnce() -> u64) {
        let Some(pace) = self.topics.get(topic.index()) else {
            return;
        };
        if pace.is_time(self.since.elapsed().as_secs(), topic.is_said_once()) {
            topic.write(pace.since_last_line(total()));
        }
    }

    /// Writes about what needs to be said once.
    #[cold]
    #[inline(never)]
    pub(crate) fn say(&self, topic: Topic) {
        self.report(topic, || 1);
    }
}

impl Pace {
    const fn new() -> Self {
        Pace {
            due: AtomicU64::new(0),
            lines: AtomicU32::new(0),
            told: AtomicU64::new(0),
        }
    }

    /// Whether this is the one to write a line now, at this second.
    fn is_time(&self, now: u64, once: bool) -> bool {
        // Relaxed: nothing is told by it but whose turn it is.
        let due = self.due.load(Ordering::Relaxed);
        if now < due {
            return false;
        }
        let next = match once {
            true => u64::MAX,
            false => now.saturating_add(pause(self.lines.load(Ordering::Relaxed))),
        };
        let claimed = self
            .due
            .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if claimed.is_ok() {
            self.lines.fetch_add(1, Ordering::Relaxed);
        }
        claimed.is_ok()
    }

    fn since_last_line(&self, total: u64) -> u64 {
        total.saturating_sub(self.told.swap(total, Ordering::Relaxed))
    }
}

/// How long nothing is said after the line with this number.
fn pause(lines: u32) -> u64 {
    let pause = FIRST_PAUSE.checked_shl(lines.min(16)).unwrap_or(u64::MAX);
    pause.min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(seconds: impl Iterator<Item = u64>, once: bool) -> Vec<u64> {
        let pace = Pace::new();
        seconds.filter(|now| pace.is_time(*now, once)).collect()
    }

    #[test]
    fn the_first_at_once_and_the_next_ever_more_rarely() {
        let day = lines(0..86_400, false);
        assert_eq!(
            day.get(..8),
            Some(&[0, 60, 180, 420, 900, 1_860, 3_780, 7_380][..])
        );
        assert!(day.len() < 32, "{}", day.len());
    }

    #[test]
    fn what_comes_again_after_a_long_time_is_said_at_once() {
        let days = [0, 1, 2, 100_000, 100_001, 200_000];
        assert_eq!(lines(days.into_iter(), false), [0, 100_000, 200_000]);
    }

    #[test]
    fn what_is_said_once_is_said_once() {
        assert_eq!(lines((5..1_000_000).step_by(1_000), true), [5]);
    }

    #[test]
    fn of_many_threads_one_writes() {
        let pace = Pace::new();
        let written = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        if pace.is_time(7, false) {
                            written.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(written.into_inner(), 1);
    }

    #[test]
    fn a_line_tells_how_many_there_were_since_the_last_one() {
        let pace = Pace::new();
        assert_eq!(pace.since_last_line(1), 1);
        assert_eq!(pace.since_last_line(100), 99);
        // The numbers are read one after another, without a lock.
        assert_eq!(pace.since_last_line(99), 0);
    }
}
