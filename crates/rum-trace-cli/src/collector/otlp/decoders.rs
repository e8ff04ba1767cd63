//! Threads that decode, beside those that answer.
//!
//! They are few and stay: spans that are made by whichever thread of a pool is
//! free lie in as many arenas of the allocator, of which each keeps what it once
//! had (a quarter more memory under load, as measured with `tests/view/load`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// They end with this.
#[derive(Debug)]
pub(super) struct Decoders(Sender<Job>);

impl Decoders {
    pub(super) fn start(threads: usize) -> Self {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            // Where there are no threads to be had, nobody takes the work: see below.
            let _ = Builder::new()
                .name("decoder".to_owned())
                .spawn(move || work(&queue));
        }
        Self(jobs)
    }

    /// Waits until a thread has done it; nothing if none could.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        let job = move || {
            // Who asked may have gone.
            let _ = done.send(work());
        };
        self.0.send(Box::new(job)).ok()?;
        result.await.ok()
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    while let Some(job) = next(queue) {
        // Whoever sent it has no answer, and all others still have a thread.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    queue.recv().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[tokio::test]
    async fn several_work_at_a_time() {
        let decoders = Decoders::start(2);
        let both = Arc::new(Barrier::new(2));
        let meet = || {
            let both = Arc::clone(&both);
            decoders.run(move || both.wait().is_leader())
        };
        let (one, other) = tokio::join!(meet(), meet());
        assert_ne!(one.unwrap(), other.unwrap());
    }

    #[tokio::test]
    async fn work_that_fails_ends_no_thread() {
        let decoders = Decoders::start(1);
        assert_eq!(decoders.run(|| panic!("as a test")).await, None::<()>);
        assert_eq!(decoders.run(|| 7).await, Some(7));
        assert_eq!(Decoders::start(0).run(|| 7).await, None);
    }
}
