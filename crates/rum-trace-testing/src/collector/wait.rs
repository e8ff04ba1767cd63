//! Waiting without an async runtime of our own.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

use super::{Collector, SpanView};

/// The future of [`Collector::wait_for_async`].
///
/// # Panics
///
/// When the collector's deadline passes before the spans are there, with a tree
/// of those that are.
#[derive(Debug)]
#[must_use = "a future does nothing unless awaited"]
pub struct WaitForSpans {
    collector: Collector,
    count: usize,
    started: Option<Started>,
}

#[derive(Debug)]
struct Started {
    deadline: Instant,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    waker: Waker,
    over: bool,
}

impl WaitForSpans {
    pub(crate) const fn new(collector: Collector, count: usize) -> Self {
        Self {
            collector,
            count,
            started: None,
        }
    }

    /// A thread waits in our place, and is bounded by the deadline: no runtime's
    /// timer is needed.
    fn start(&self, waker: &Waker) -> Started {
        let deadline = Instant::now() + self.collector.deadline;
        let shared = Arc::new(Mutex::new(Shared {
            waker: waker.clone(),
            over: false,
        }));
        let (store, count) = (Arc::clone(&self.collector.store), self.count);
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            store.wait(count, deadline);
            let waker = {
                let mut shared = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                shared.over = true;
                shared.waker.clone()
            };
            waker.wake();
        });
        Started { deadline, shared }
    }
}

impl Future for WaitForSpans {
    type Output = Vec<SpanView>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<SpanView>> {
        let this = self.get_mut();
        if this.collector.store.len() >= this.count {
            return Poll::Ready(this.collector.spans());
        }
        let Some(started) = &this.started else {
            this.started = Some(this.start(cx.waker()));
            return Poll::Pending;
        };
        let over = {
            let mut shared = started
                .shared
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            shared.waker.clone_from(cx.waker());
            shared.over
        };
        if over || Instant::now() >= started.deadline {
            // What arrived between the look above and the end still counts.
            return Poll::Ready(this.collector.wait_until(this.count, started.deadline));
        }
        Poll::Pending
    }
}
