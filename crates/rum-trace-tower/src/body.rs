use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::HeaderValue;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use rum_trace_core::{ActiveRequest, Failure};

pin_project! {
    /// A response body that ends the request's span with its own end: the last
    /// byte or the trailers, an error, or the drop of an unfinished body when
    /// the client has gone.
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        // Taken once, when the span ends.
        active: Option<ActiveRequest>,
        // Bytes still to come, if the response declared its length.
        remaining: Option<u64>,
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn new(inner: B, active: Option<ActiveRequest>, length: Option<u64>) -> Self {
        ResponseBody {
            inner,
            active,
            remaining: length,
        }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let frame = {
            let _scope = this.active.as_ref().map(ActiveRequest::scope);
            ready!(this.inner.as_mut().poll_frame(cx))
        };
        if let (Some(Ok(frame)), Some(active)) = (&frame, &mut *this.active) {
            tell(active, this.remaining, frame);
        }
        match &frame {
            Some(Err(_)) => end(this.active, Some(Failure::ResponseBody)),
            Some(Ok(frame)) if frame.is_trailers() => end(this.active, cut_short(*this.remaining)),
            // Nobody may poll again after the last frame.
            Some(Ok(_)) if this.inner.is_end_stream() || *this.remaining == Some(0) => {
                end(this.active, cut_short(*this.remaining));
            }
            Some(Ok(_)) => {}
            None => end(this.active, cut_short(*this.remaining)),
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

/// Counts what goes out, and hands on the trailers.
fn tell<D: Buf>(active: &mut ActiveRequest, remaining: &mut Option<u64>, frame: &Frame<D>) {
    if let Some(data) = frame.data_ref() {
        let bytes = data.remaining();
        active.on_frame(bytes);
        if let Some(remaining) = remaining {
            *remaining = remaining.saturating_sub(bytes as u64);
        }
    } else if let Some(trailers) = frame.trailers_ref() {
        active.on_trailers(|name| trailers.get(name).map(HeaderValue::as_bytes));
    }
}

/// A body that ends before its declared length: no server can send it whole,
/// and clients get an error (RFC 9112, §8).
fn cut_short(remaining: Option<u64>) -> Option<Failure> {
    remaining
        .filter(|left| *left > 0)
        .map(|_| Failure::ResponseBody)
}

fn end(active: &mut Option<ActiveRequest>, failure: Option<Failure>) {
    match (active.take(), failure) {
        (None, _) => {}
        (Some(active), None) => active.finish(),
        (Some(active), Some(failure)) => active.fail(failure),
    }
}

impl<B: Default> Default for ResponseBody<B> {
    fn default() -> Self {
        ResponseBody::new(B::default(), None, None)
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}
