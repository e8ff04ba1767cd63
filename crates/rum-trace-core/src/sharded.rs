//! What many threads refer to at each request, without being in each other's way.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// More would only take memory.
const MOST: usize = 64;

/// A value with a copy for each of some threads, and a count of references for each copy.
///
/// An [`Arc`] that all threads clone at each request is a line of memory that each core
/// takes from the others twice a request, for some 100 ns where cores are far apart. A
/// [`Shard`] is counted where its thread is. For adapters and span starters.
///
/// ```
/// use rum_trace_core::sharded::{Shard, Sharded};
///
/// let settings = Sharded::new(String::from("shared by all"));
/// // at each request, in any thread:
/// let mine: Shard<String> = settings.here().clone();
/// assert_eq!(mine.len(), 13);
/// ```
#[derive(Debug)]
pub struct Sharded<T>(Box<[Shard<T>]>);

impl<T: Clone> Sharded<T> {
    /// With twice as many copies as there are cores, 64 at most.
    pub fn new(value: T) -> Self {
        let copy = |_| Shard(Arc::new(CachePadded::new(value.clone())));
        Sharded((0..count()).map(copy).collect())
    }
}

impl<T> Sharded<T> {
    /// The copy of the thread that asks.
    #[must_use]
    pub fn here(&self) -> &Shard<T> {
        &self.0[thread_number() & (self.0.len() - 1)]
    }
}

/// A counted reference to one copy of a [`Sharded`] value.
///
/// It may go to other threads, and outlive the value that it was taken from.
#[derive(Debug)]
pub struct Shard<T>(Arc<CachePadded<T>>);

impl<T> Clone for Shard<T> {
    fn clone(&self) -> Self {
        Shard(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// How many copies there are: a power of two.
pub(crate) fn count() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Twice, since threads are more than cores, and not all of them serve.
    (2 * cores).next_power_of_two().min(MOST)
}

/// Threads are numbered in the order in which they first ask.
pub(crate) fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // A thread that is ending may have lost its number.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_one_copy_and_the_next_another() {
        let sharded = Sharded::new(7);
        let place = || std::ptr::from_ref::<i32>(sharded.here()) as usize;
        let here = place();
        assert_eq!(place(), here);
        let others: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(place)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        // Other tests' threads take numbers as well.
        assert!(others.iter().any(|it| *it != here));
    }

    #[test]
    fn copies_do_not_share_a_line_of_memory() {
        let sharded = Sharded::new(7_u8);
        let mut lines: Vec<_> = sharded
            .0
            .iter()
            .map(|it| Arc::as_ptr(&it.0) as usize / 64)
            .collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), count());
    }

    #[test]
    fn a_reference_outlives_what_it_was_taken_from() {
        let value = Arc::new(7);
        let sharded = Sharded::new(Arc::clone(&value));
        let shard = sharded.here().clone();
        assert_eq!(Arc::strong_count(&value), count() + 1);
        drop(sharded);
        assert_eq!((**shard, Arc::strong_count(&value)), (7, 2));
    }
}
