//! Locks that outlive a fork.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// What a process that was forked off waits for a lock, until it is sure that
/// nobody will give it back. Those that it shares it with hold it for less than
/// a microsecond.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(1);

/// A lock that a forked process can always take.
///
/// A fork copies memory and the one thread that forks. If another thread held a
/// lock in that moment, then it is held in the copy as well, and for ever: that
/// thread is not there. What it guards may be half written, so the forked
/// process gets another, empty one in its place.
#[derive(Debug, Default)]
pub(crate) struct ForkLock<T> {
    value: Mutex<T>,
    /// Only for a forked process in which the first one is stuck: so nobody can
    /// have held it at the fork.
    spare: Mutex<T>,
    stuck: AtomicBool,
}

impl<T> ForkLock<T> {
    /// `forked`: this process is not the one that made the lock.
    pub(crate) fn lock(&self, forked: bool) -> MutexGuard<'_, T> {
        if forked {
            return self.unless_stuck().unwrap_or_else(|| sound(&self.spare));
        }
        sound(&self.value)
    }

    fn unless_stuck(&self) -> Option<MutexGuard<'_, T>> {
        if self.stuck.load(Ordering::Relaxed) {
            return None;
        }
        for _ in 0..ATTEMPTS {
            match self.value.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
        self.stuck.store(true, Ordering::Relaxed);
        None
    }
}

/// Only sums and assignments run under these locks: a panic leaves them whole.
fn sound<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_a_lost_thread_holds_is_replaced() {
        let lock = ForkLock::<u32>::default();
        let held = lock.lock(false);
        *lock.lock(true) += 1;
        *lock.lock(true) += 1;
        assert_eq!((*lock.lock(true), *held), (2, 0));
    }

    #[test]
    fn a_lock_that_was_free_at_the_fork_is_used_on() {
        let lock = ForkLock::<u32>::default();
        *lock.lock(false) = 7;
        *lock.lock(true) += 1;
        assert_eq!(*lock.lock(false), 8);
    }
}
