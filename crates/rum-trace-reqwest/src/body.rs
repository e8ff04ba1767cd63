//! A response's body that ends the call's span with its own end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::HeaderValue;
use rum_trace_core::{ActiveCall, CallFailure};

use crate::failure;

/// The span ends with the last byte or the trailers, with an error, or when the
/// body is dropped unread.
pub(crate) struct CallBody {
    inner: reqwest::Body,
    // Taken once, when the span ends.
    call: Option<ActiveCall>,
}

impl CallBody {
    pub(crate) fn new(inner: reqwest::Body, call: ActiveCall) -> Self {
        CallBody {
            inner,
            call: Some(call),
        }
    }

    fn tell(&mut self, frame: &Frame<Bytes>) {
        let Some(call) = &mut self.call else {
            return;
        };
        if let Some(trailers) = frame.trailers_ref() {
            call.on_trailers(|name| trailers.get(name).map(HeaderValue::as_bytes));
        } else {
            call.on_frame();
        }
        // Nobody may poll again after the last frame; gRPC's is that of the trailers.
        let is_read = !call.is_grpc() && is_at_end(&self.inner);
        if is_read || frame.is_trailers() {
            self.end(None);
        }
    }

    fn end(&mut self, failure: Option<CallFailure>) {
        match (self.call.take(), failure) {
            (None, _) => {}
            (Some(call), None) => call.finish(),
            (Some(call), Some(failure)) => call.fail(failure),
        }
    }
}

/// Decoders do not tell that they are at the end, but hand on that nothing is left.
fn is_at_end(body: &reqwest::Body) -> bool {
    body.is_end_stream() || body.size_hint().exact() == Some(0)
}

impl Body for CallBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let this = &mut *self;
        let frame = {
            let _scope = this.call.as_ref().map(ActiveCall::scope);
            Pin::new(&mut this.inner).poll_frame(cx)
        };
        let Poll::Ready(frame) = frame else {
            if let Some(call) = &mut this.call {
                call.on_body_pending();
            }
            return Poll::Pending;
        };
        match &frame {
            Some(Ok(frame)) => this.tell(frame),
            Some(Err(error)) => this.end(Some(failure::of_body(error))),
            None => this.end(None),
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

impl From<CallBody> for reqwest::Body {
    fn from(body: CallBody) -> Self {
        reqwest::Body::wrap(body)
    }
}
