//! Two operations timed against each other in short interleaved rounds, so that
//! whatever slows the machine slows both, and the ratio stays true.

use std::num::ParseIntError;
use std::time::{Duration, Instant};

const ROUNDS: usize = 301;
const BATCH: Duration = Duration::from_micros(500);

/// How many rounds: what `--rounds=N` says, for a quicker look, else this many.
///
/// # Errors
///
/// If it is no number.
pub fn given(usual: usize) -> Result<usize, ParseIntError> {
    let given = std::env::args().find_map(|argument| {
        let number = argument.strip_prefix("--rounds=")?;
        Some(number.parse())
    });
    given.unwrap_or(Ok(usual))
}

/// A distribution by its middle and its tenths from either end.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

/// What the rounds gave.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Nanoseconds an operation of the first side.
    pub first: Spread,
    /// Nanoseconds an operation of the second side.
    pub second: Spread,
    /// The first side's time over the second's, by round.
    pub ratio: Spread,
}

/// Times both sides in rounds that take turns at going first.
pub fn compare(first: &dyn Fn(), second: &dyn Fn()) -> Timing {
    let (first_count, second_count) = (batch_size(first), batch_size(second));
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let (a, b);
        if round % 2 == 0 {
            a = nanos_each(first, first_count);
            b = nanos_each(second, second_count);
        } else {
            b = nanos_each(second, second_count);
            a = nanos_each(first, first_count);
        }
        rounds.push((a, b));
    }
    Timing {
        first: spread(rounds.iter().map(|(a, _)| *a)),
        second: spread(rounds.iter().map(|(_, b)| *b)),
        ratio: spread(rounds.iter().map(|(a, b)| a / b)),
    }
}

/// How many operations fill a batch; finding it out also warms the code up.
fn batch_size(run: &dyn Fn()) -> u32 {
    let mut count = 1;
    loop {
        let started = Instant::now();
        repeat(run, count);
        if started.elapsed() >= BATCH {
            return count;
        }
        count *= 2;
    }
}

fn nanos_each(run: &dyn Fn(), count: u32) -> f64 {
    let started = Instant::now();
    repeat(run, count);
    started.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}

fn repeat(run: &dyn Fn(), count: u32) {
    for _ in 0..count {
        run();
    }
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |tenths: usize| values[(values.len() - 1) * tenths / 10];
    Spread {
        low: at(1),
        median: at(5),
        high: at(9),
    }
}
