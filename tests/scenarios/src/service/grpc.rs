//! A gRPC method by hand, so that each answer can be made to the byte. Only on
//! axum: actix-web sends no trailers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response};
use bytes::Bytes;
use http_body::Frame;

/// The request header that says which `grpc-status` to answer with.
pub const STATUS: &str = "x-answer-status";

/// The request header that says where to put it: `head` or, if it is absent,
/// in the trailers.
pub const PLACE: &str = "x-answer-place";

/// One empty message: not compressed, of length 0.
const MESSAGE: &[u8] = &[0; 5];

pub(crate) async fn get_item(headers: HeaderMap) -> Response<Body> {
    let status = headers.get(STATUS).cloned();
    let response = Response::builder().header("content-type", "application/grpc");
    let (response, body) = match (status, headers.contains_key(PLACE)) {
        (Some(status), true) => (response.header("grpc-status", status), Body::empty()),
        (status, _) => (response, Body::new(Answer::new(status))),
    };
    response.body(body).expect("a valid head")
}

/// A message, and the trailers.
struct Answer {
    message: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Answer {
    fn new(status: Option<HeaderValue>) -> Self {
        let trailers = status.map(|status| HeaderMap::from_iter([(GRPC_STATUS, status)]));
        Answer {
            message: Some(Bytes::from_static(MESSAGE)),
            trailers,
        }
    }
}

const GRPC_STATUS: axum::http::HeaderName = axum::http::HeaderName::from_static("grpc-status");

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let message = self.message.take().map(Frame::data);
        let frame = message.or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(frame.map(Ok))
    }
}
