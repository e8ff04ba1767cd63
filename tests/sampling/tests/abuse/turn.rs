//! Threads that wait for each other, and not for ever.

use std::sync::{Condvar, Mutex, PoisonError};

use rum_trace_sampling_tests::PATIENCE;

/// A barrier where a thread that panicked does not leave the others waiting.
pub(crate) struct Turn {
    parties: u64,
    arrived: Mutex<u64>,
    all: Condvar,
}

impl Turn {
    pub(crate) fn of(parties: u64) -> Self {
        Turn {
            parties,
            arrived: Mutex::new(0),
            all: Condvar::new(),
        }
    }

    pub(crate) fn wait(&self) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = *arrived / self.parties;
        *arrived += 1;
        self.all.notify_all();
        let is_early = |arrived: &mut u64| *arrived / self.parties == turn;
        let waited = self.all.wait_timeout_while(arrived, PATIENCE, is_early);
        let (_arrived, ended) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!ended.timed_out(), "the others come");
    }
}
