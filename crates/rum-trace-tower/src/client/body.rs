use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::HeaderValue;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use rum_trace_core::{ActiveCall, CallFailure};

use super::{BoxError, failure};

pin_project! {
    /// The body of a response to a call, with whose end the CLIENT span ends: the
    /// last byte or the trailers, an error, or its drop.
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        // Taken once, when the span ends.
        call: Option<ActiveCall>,
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn new(inner: B, call: Option<ActiveCall>) -> Self {
        ResponseBody { inner, call }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let frame = {
            let _scope = this.call.as_ref().map(ActiveCall::scope);
            this.inner.as_mut().poll_frame(cx)
        };
        let Poll::Ready(frame) = frame else {
            if let Some(call) = this.call {
                call.on_body_pending();
            }
            return Poll::Pending;
        };
        let frame = frame.map(|frame| frame.map_err(Into::into));
        match &frame {
            Some(Err(error)) => fail(this.call, failure::of_body(&**error)),
            Some(Ok(frame)) => tell(this.call, frame, this.inner.is_end_stream()),
            None => finish(this.call),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn tell<D>(call: &mut Option<ActiveCall>, frame: &Frame<D>, is_last: bool) {
    if let Some(call) = call {
        match frame.trailers_ref() {
            Some(trailers) => {
                call.on_trailers(|name| trailers.get(name).map(HeaderValue::as_bytes));
            }
            None => call.on_frame(),
        }
    }
    // Nobody may poll again after the last frame.
    if is_last || frame.is_trailers() {
        finish(call);
    }
}

fn finish(call: &mut Option<ActiveCall>) {
    if let Some(call) = call.take() {
        call.finish();
    }
}

fn fail(call: &mut Option<ActiveCall>, failure: CallFailure) {
    if let Some(call) = call.take() {
        call.fail(failure);
    }
}

impl<B: Default> Default for ResponseBody<B> {
    fn default() -> Self {
        ResponseBody::new(B::default(), None)
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}
