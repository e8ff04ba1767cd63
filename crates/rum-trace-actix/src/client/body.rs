//! A response's body, with whose end the call ends.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::error::PayloadError;
use actix_http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_http::{Payload, ResponseHead};
use actix_web::web::Bytes;
use futures_core::Stream;
use rum_trace_core::{ActiveCall, CallFailure};

use super::failure;

/// The body as it was, and the call ends with it.
pub(super) fn read_by(call: ActiveCall, head: &ResponseHead, payload: Payload) -> Payload {
    let remaining = declared_length(head);
    if matches!(payload, Payload::None) || remaining == Some(0) {
        call.finish();
        return payload;
    }
    // awc's response knows no other kind of stream than a boxed one.
    Payload::Stream {
        payload: Box::pin(CallBody {
            inner: payload,
            call: Some(call),
            remaining,
        }),
    }
}

/// In bytes, as they come: awc decodes further out. `Transfer-Encoding` overrides
/// it (RFC 9112, §6.3).
fn declared_length(head: &ResponseHead) -> Option<u64> {
    if head.headers.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    let declared = head.headers.get(CONTENT_LENGTH)?;
    declared.to_str().ok()?.parse().ok()
}

struct CallBody {
    inner: Payload,
    // Taken once, when the call ends.
    call: Option<ActiveCall>,
    // Bytes still to come, if the response declared its length.
    remaining: Option<u64>,
}

impl CallBody {
    fn on_chunk(&mut self, bytes: &Bytes) {
        if let Some(call) = &mut self.call {
            call.on_frame();
        }
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(bytes.len() as u64);
        }
        // Nobody needs to poll again after the last byte.
        if self.remaining == Some(0) {
            self.end(None);
        }
    }

    /// A connection that closes before the declared length is no error to awc,
    /// which takes what there is for all.
    fn on_end(&mut self) {
        let is_short = self.remaining.is_some_and(|left| left > 0);
        self.end(is_short.then_some(CallFailure::ConnectionClosed));
    }

    fn end(&mut self, failure: Option<CallFailure>) {
        match (self.call.take(), failure) {
            (None, _) => {}
            (Some(call), None) => call.finish(),
            (Some(call), Some(failure)) => call.fail(failure),
        }
    }
}

impl Stream for CallBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Poll::Ready(chunk) = Pin::new(&mut self.inner).poll_next(cx) else {
            if let Some(call) = &mut self.call {
                call.on_body_pending();
            }
            return Poll::Pending;
        };
        match &chunk {
            Some(Ok(bytes)) => self.on_chunk(bytes),
            Some(Err(error)) => self.end(Some(failure::of_body(error))),
            None => self.on_end(),
        }
        Poll::Ready(chunk)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}
