//! Which layer serves the next request, and what each has cost.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::order::Order;

/// Requests after a switch that are not counted: the new layer's code and data
/// come into the caches.
const UNCOUNTED: usize = 30;
/// Requests that are counted until the next switch.
const COUNTED: usize = 300;

/// Kept by the server's one thread.
#[derive(Debug)]
pub struct Book {
    order: Vec<usize>,
    next_order: Order,
    /// Where in the order the server is.
    at: usize,
    /// Requests since the switch.
    served: usize,
    started: Duration,
    /// Microseconds of CPU time a request; of the round under way.
    round: Vec<f64>,
    rounds: Vec<Vec<f64>>,
    wanted: usize,
}

impl Book {
    /// For so many layers, each to be visited so many times.
    #[must_use]
    pub fn new(layers: usize, rounds: usize) -> Self {
        let mut next_order = Order::new(layers);
        Book {
            order: next_order.shuffled().to_vec(),
            next_order,
            at: 0,
            served: 0,
            started: Duration::ZERO,
            round: vec![0.0; layers],
            rounds: Vec::with_capacity(rounds),
            wanted: rounds,
        }
    }

    /// Notes that a request came, and tells whose it is. To be called on the
    /// thread that serves.
    pub fn request(&mut self) -> usize {
        if self.served == UNCOUNTED {
            self.started = cpu_time();
        }
        if self.served == UNCOUNTED + COUNTED {
            self.switch();
        }
        self.served += 1;
        self.order[self.at]
    }

    /// Whether there is nothing left to measure.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.rounds.len() >= self.wanted
    }

    /// Microseconds of CPU time a request, by round and layer.
    #[must_use]
    pub fn rounds(&self) -> &[Vec<f64>] {
        &self.rounds
    }

    fn switch(&mut self) {
        let taken = cpu_time().saturating_sub(self.started);
        self.round[self.order[self.at]] = taken.as_secs_f64() * 1e6 / COUNTED as f64;
        self.served = 0;
        self.at += 1;
        if self.at == self.order.len() {
            self.at = 0;
            self.rounds.push(self.round.clone());
            self.order = self.next_order.shuffled().to_vec();
        }
    }
}

/// What the calling thread has used.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // A clock that counts up from zero is never negative.
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Book, COUNTED, UNCOUNTED};

    #[test]
    fn each_layer_is_visited_once_a_round() {
        let mut book = Book::new(3, 2);
        let mut requests = [0; 3];
        for _ in 0..2 * 3 * (UNCOUNTED + COUNTED) {
            assert!(!book.is_full());
            requests[book.request()] += 1;
        }
        assert_eq!(requests, [2 * (UNCOUNTED + COUNTED); 3]);
        // The last visit is booked when the next one begins.
        book.request();
        assert!(book.is_full());
        assert_eq!(book.rounds().len(), 2);
    }
}
