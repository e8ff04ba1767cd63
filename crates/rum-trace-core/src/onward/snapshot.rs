//! The current context, handed to a task or a thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use opentelemetry::Context;
use pin_project_lite::pin_project;

/// The context that was current where this was made, for work that is done
/// elsewhere: in a spawned task, on another thread.
///
/// It holds OpenTelemetry's context, that is the active span, the
/// [`RumContext`](crate::RumContext) and baggage, and with the feature `tracing`
/// the current `tracing` span too, so that log lines carry its ids. Spans of the
/// work become children of the active span, also when that has ended long since.
///
/// ```
/// use rum_trace_core::{ContextSnapshot, RumContext};
///
/// async fn send_mail() {
///     let session = RumContext::current(); // the request's
/// #   let _ = session;
/// }
/// fn resize() {}
///
/// # mod tokio {
/// #     pub fn spawn(_: impl Future + Send + 'static) {}
/// #     pub mod task { pub fn spawn_blocking(work: impl FnOnce() + Send + 'static) { work() } }
/// # }
/// // In a handler:
/// tokio::spawn(ContextSnapshot::current().wrap(send_mail()));
/// tokio::task::spawn_blocking(ContextSnapshot::current().wrap_fn(resize));
/// ```
///
/// Make it where the request's context is current: not inside of the task, and not
/// in a closure that runs later.
///
/// # Beside OpenTelemetry's `FutureExt`
///
/// `opentelemetry::trace::FutureExt::with_context` does for futures, streams and
/// sinks what [`wrap`](Self::wrap) does in each poll. It has nothing for closures,
/// drops the future outside of the context, so that what a cancelled task tells in
/// its destructors is in no trace, and knows no `tracing` span.
///
/// # What it keeps alive
///
/// The context: of a SERVER span that has ended its ids and trace state, the client's
/// fields, baggage, and what your code has put there. Of an ended span nothing
/// is recorded any more. A span that nobody ends explicitly ends with the last that
/// holds it: with a snapshot for one, a span of `#[instrument]` lasts as long as the
/// task, as with `tracing`'s own `in_current_span`.
#[derive(Clone, Debug)]
#[must_use = "it does nothing by itself"]
pub struct ContextSnapshot {
    cx: Context,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl ContextSnapshot {
    /// The current context.
    pub fn current() -> Self {
        Self::of(Context::current())
    }

    /// This OpenTelemetry context, for example one with a span of the work's own,
    /// and the current `tracing` span.
    pub fn of(cx: Context) -> Self {
        ContextSnapshot {
            cx,
            #[cfg(feature = "tracing")]
            span: tracing::Span::current(),
        }
    }

    /// OpenTelemetry's context.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.cx
    }

    /// A future or a stream in this context: it is current in each poll and in the
    /// drop, and not in between, when other tasks run on the thread.
    pub fn wrap<T>(&self, work: T) -> InContext<T> {
        InContext {
            work: Some(work),
            snapshot: self.clone(),
        }
    }

    /// A closure in this context, for `spawn_blocking`, threads and thread pools.
    pub fn wrap_fn<F, R>(&self, work: F) -> impl FnOnce() -> R + use<F, R>
    where
        F: FnOnce() -> R,
    {
        let mut wrapped = self.wrap(work);
        move || {
            let _entered = wrapped.snapshot.enter();
            let work = wrapped.work.take().expect(PRESENT);
            work()
        }
    }

    /// Runs `work` in this context, here and now, as often as wanted: for the items
    /// of a parallel iterator.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        work()
    }

    /// Makes it current on this thread until what comes back is dropped.
    ///
    /// The `tracing` span first: a layer of `tracing-opentelemetry` makes the context
    /// of that span current, which may be another than was.
    #[cfg(feature = "tracing")]
    fn enter(&self) -> impl Sized + '_ {
        let span = self.span.enter();
        // A tuple's fields drop in order: the context is left before the span.
        (self.cx.clone().attach(), span)
    }

    #[cfg(not(feature = "tracing"))]
    fn enter(&self) -> impl Sized + '_ {
        self.cx.clone().attach()
    }
}

/// Why there is work to do.
const PRESENT: &str = "it is taken out by the drop, or by the one call of the closure";

pin_project! {
    /// A future or a stream in a [`ContextSnapshot`].
    #[derive(Debug)]
    #[must_use = "futures and streams do nothing unless they are polled"]
    pub struct InContext<T> {
        // Taken out to be dropped in the context.
        #[pin]
        work: Option<T>,
        snapshot: ContextSnapshot,
    }

    impl<T> PinnedDrop for InContext<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // A thread that is ending may have no current context any more, and to
            // panic here would abort the process.
            let _entered = catch_unwind(AssertUnwindSafe(|| this.snapshot.enter()));
            this.work.set(None);
        }
    }
}

impl<T: Future> Future for InContext<T> {
    type Output = T::Output;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<T::Output> {
        let this = self.project();
        let _entered = this.snapshot.enter();
        this.work.as_pin_mut().expect(PRESENT).poll(task)
    }
}

impl<T: Stream> Stream for InContext<T> {
    type Item = T::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<T::Item>> {
        let this = self.project();
        let _entered = this.snapshot.enter();
        this.work.as_pin_mut().expect(PRESENT).poll_next(task)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.work.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}
