//! Something that serves requests, in process.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tracing::Dispatch;
use tracing::dispatcher;

/// A service and its prepared requests.
pub trait Subject {
    /// Makes so many requests, for [`serve`](Self::serve) to take.
    fn prepare(&mut self, count: usize);

    /// Serves one prepared request, to the last byte of the response's body.
    fn serve(&mut self);
}

/// A subject, and the `tracing` subscriber that it is to run under.
pub struct Scoped {
    subject: Box<dyn Subject>,
    subscriber: Option<Dispatch>,
}

impl Scoped {
    /// One that needs no subscriber.
    pub fn plain(subject: impl Subject + 'static) -> Self {
        Scoped {
            subject: Box::new(subject),
            subscriber: None,
        }
    }

    /// One under its own subscriber.
    pub fn under(subscriber: impl Into<Dispatch>, subject: impl Subject + 'static) -> Self {
        Scoped {
            subject: Box::new(subject),
            subscriber: Some(subscriber.into()),
        }
    }

    /// Runs `work` with the subscriber in place, so that setting it is a part of
    /// no measure: in a service it is set once, for the whole process.
    pub fn enter<T>(&mut self, work: impl FnOnce(&mut dyn Subject) -> T) -> T {
        match &self.subscriber {
            None => work(&mut *self.subject),
            Some(subscriber) => dispatcher::with_default(subscriber, || work(&mut *self.subject)),
        }
    }

    /// Prepares and serves so many requests.
    pub fn serve(&mut self, count: usize) {
        self.enter(|subject| {
            subject.prepare(count);
            (0..count).for_each(|_| subject.serve());
        });
    }
}

/// The output of a future that waits for nothing.
///
/// # Panics
///
/// If it does wait: none of the handlers here has a reason to.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a request waits for something"),
    }
}
