//! Nanoseconds over the bare framework, in interleaved rounds: whatever slows the
//! machine for a while slows all rows.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rum_trace_bench_requests::row::Row;
use rum_trace_bench_requests::subject::Scoped;

use crate::order::Order;

/// A distribution by its quarters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quartiles {
    /// A quarter is below.
    pub low: f64,
    /// The middle.
    pub median: f64,
    /// A quarter is above.
    pub high: f64,
}

impl Quartiles {
    /// Of these values.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarters: usize| {
            let at = values.len().saturating_sub(1) * quarters / 4;
            values.get(at).copied().unwrap_or(f64::NAN)
        };
        Quartiles {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}

/// What lies between two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caches {
    /// Nothing: the caches keep what the last request used.
    Hot,
    /// 256 KiB touched, as a server's other work does.
    Cold,
}

impl Caches {
    /// Requests on each visit of a row: before the clock starts, and by it.
    fn visit(self) -> (usize, u32) {
        match self {
            Caches::Hot => (4, 16),
            Caches::Cold => (1, 4),
        }
    }
}

/// Nanoseconds a request over the bare framework, for each row; for the bare ones
/// themselves, what they take.
#[must_use]
pub fn measure(rows: &[Row], rounds: usize, caches: Caches) -> Vec<Quartiles> {
    let mut subjects: Vec<Scoped> = rows.iter().map(Row::make).collect();
    let bare: Vec<usize> = rows.iter().map(|row| bare_of(rows, row)).collect();
    let mut over = vec![Vec::with_capacity(rounds); rows.len()];
    let mut memory = vec![0_u8; 256 * 1024];
    let mut order = Order::new(rows.len());
    let mut taken = vec![0.0; rows.len()];
    for _ in 0..rounds {
        for &at in order.shuffled() {
            rows[at].enter();
            taken[at] = visit(&mut subjects[at], caches, &mut memory);
        }
        for (at, over) in over.iter_mut().enumerate() {
            let least = if bare[at] == at { 0.0 } else { taken[bare[at]] };
            over.push(taken[at] - least);
        }
    }
    over.into_iter().map(Quartiles::of).collect()
}

fn bare_of(rows: &[Row], row: &Row) -> usize {
    let bare = |other: &Row| other.is_bare() && other.group == row.group;
    rows.iter()
        .position(bare)
        .expect("each group has a bare row")
}

/// Serves some requests, and gives the nanoseconds of one.
fn visit(subject: &mut Scoped, caches: Caches, memory: &mut [u8]) -> f64 {
    let (first, counted) = caches.visit();
    subject.enter(|subject| {
        subject.prepare(first + counted as usize);
        (0..first).for_each(|_| subject.serve());
        let taken = match caches {
            Caches::Hot => {
                let started = Instant::now();
                (0..counted).for_each(|_| subject.serve());
                started.elapsed()
            }
            Caches::Cold => (0..counted).fold(Duration::ZERO, |taken, _| {
                touch(memory);
                let started = Instant::now();
                subject.serve();
                taken + started.elapsed()
            }),
        };
        taken.as_secs_f64() * 1e9 / f64::from(counted)
    })
}

/// Reads and writes each cache line.
fn touch(memory: &mut [u8]) {
    for line in memory.chunks_mut(64) {
        line[0] = line[0].wrapping_add(1);
    }
    black_box(memory);
}

#[cfg(test)]
mod tests {
    use super::Quartiles;

    #[test]
    fn quarters_are_where_they_should_be() {
        let quartiles = Quartiles::of(vec![4.0, 0.0, 3.0, 1.0, 2.0]);
        assert_eq!(
            (quartiles.low, quartiles.median, quartiles.high),
            (1.0, 2.0, 3.0)
        );
        assert!(Quartiles::of(Vec::new()).median.is_nan());
    }
}
