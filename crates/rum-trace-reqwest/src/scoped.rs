//! The rest of the chain, with the call's span active in each poll.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use rum_trace_core::ActiveCall;

pub(crate) struct Scoped<'a, F> {
    call: &'a ActiveCall,
    // There until it is dropped.
    future: Option<F>,
}

impl<'a, F: Future + Unpin> Scoped<'a, F> {
    pub(crate) fn new(call: &'a ActiveCall, future: F) -> Self {
        Scoped {
            call,
            future: Some(future),
        }
    }
}

impl<F: Future + Unpin> Future for Scoped<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let call = self.call;
        let Some(future) = &mut self.future else {
            return Poll::Pending; // it is being dropped: nobody polls it
        };
        let _scope = call.scope();
        Pin::new(future).poll(cx)
    }
}

/// What the inner middlewares log when they are given up belongs to the call.
impl<F> Drop for Scoped<'_, F> {
    fn drop(&mut self) {
        let _scope = self.call.scope();
        self.future = None;
    }
}
