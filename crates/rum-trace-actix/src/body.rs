use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;
use rum_trace_core::{ActiveRequest, Failure};

pin_project! {
    /// A response body that ends the request's span with its own end: the last
    /// byte, an error, or the drop of an unfinished body when the client has
    /// gone.
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

impl<B: MessageBody> MessageBody for ResponseBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        let chunk = {
            let _scope = this.active.as_ref().map(ActiveRequest::scope);
            ready!(this.inner.poll_next(cx))
        };
        match &chunk {
            Some(Ok(bytes)) => {
                if let Some(active) = this.active {
                    active.on_frame(bytes.len());
                }
                count_down(this.remaining, bytes);
                // Nobody needs to poll again after the last byte.
                if *this.remaining == Some(0) {
                    end(this.active, None);
                }
            }
            Some(Err(_)) => end(this.active, Some(Failure::ResponseBody)),
            None => end(this.active, cut_short(*this.remaining)),
        }
        Poll::Ready(chunk)
    }

    /// The whole body at once, for a middleware outside of this one: with that
    /// the body is handed over, just as if it had been polled to its end.
    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let ResponseBody {
            inner,
            mut active,
            remaining,
        } = self;
        match inner.try_into_bytes() {
            Ok(bytes) => {
                if let Some(active) = &mut active {
                    active.on_frame(bytes.len());
                }
                end(&mut active, None);
                Ok(bytes)
            }
            Err(inner) => Err(ResponseBody {
                inner,
                active,
                remaining,
            }),
        }
    }
}

fn count_down(remaining: &mut Option<u64>, bytes: &Bytes) {
    if let Some(remaining) = remaining {
        *remaining = remaining.saturating_sub(bytes.len() as u64);
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

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}
