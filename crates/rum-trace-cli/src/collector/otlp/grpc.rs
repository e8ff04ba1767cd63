//! OTLP over gRPC: unary calls, so that there is one message in a body, and the
//! same bounds hold as over HTTP.

use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use axum::response::{IntoResponse as _, Response};
use bytes::{BufMut as _, BytesMut};
use http_body_util::{BodyExt as _, Full};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tonic::{Code, Status};

use super::encoding::{Coding, SUPPORTED};
use super::receiver::{Receiver, Signal};
use super::{MediaType, Refusal, answer, body};
use crate::collector::stats::{Ignored, Reason};

/// In front of each message: whether it is compressed, and its length.
const PREFIX: usize = 5;
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Answers every request to the address, whatever it asks for.
pub(crate) fn router(receiver: Arc<Receiver>) -> Router {
    Router::new().fallback(handle).with_state(receiver)
}

async fn handle(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> Response {
    let (head, mut body) = request.into_parts();
    let grpc = is_grpc(&head.headers);
    match respond(&receiver, &head, &mut body, grpc).await {
        Ok(answer) => success(&answer),
        Err(refusal) => {
            receiver.count(&refusal);
            if grpc {
                return failure(&refusal);
            }
            // Whoever speaks no gRPC would take its 200 for a success.
            body::drain(&receiver.bounds, body).await;
            answer::text(&refusal)
        }
    }
}

async fn respond(
    receiver: &Receiver,
    head: &Parts,
    body: &mut Body,
    grpc: bool,
) -> Result<ExportTraceServiceResponse, Refusal> {
    receiver.admit(head)?;
    if !grpc {
        let message = "only gRPC is taken at this port: OTLP over HTTP has one of its own, 4318 \
                       unless another was chosen";
        return Err(Refusal::new(Reason::UnsupportedMediaType, message));
    }
    match signal(head.uri.path())? {
        Signal::Traces => {
            let limit = receiver.limits().body;
            let most = limit.saturating_add(PREFIX);
            let mut held = body::read(&receiver.bounds, body, most, None).await?;
            let prefix = held.bytes.split_to(PREFIX.min(held.bytes.len()));
            let (compressed, length) = read_prefix(&prefix)?;
            if length > limit {
                return Err(Refusal::too_large(receiver.limits()));
            }
            if length != held.bytes.len() {
                return Err(Refusal::malformed(&"there is not one whole message"));
            }
            let coding = coding(compressed, &head.headers)?;
            receiver.take(held, coding, MediaType::Protobuf).await
        }
        Signal::Ignored(signal) => {
            receiver.ignore(signal, body).await?;
            // Empty, and so the same for every signal.
            Ok(ExportTraceServiceResponse::default())
        }
    }
}

fn signal(path: &str) -> Result<Signal, Refusal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Ok(Signal::Traces),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => {
            Ok(Signal::Ignored(Ignored::Metrics))
        }
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => {
            Ok(Signal::Ignored(Ignored::Logs))
        }
        _ => {
            let message = "only the Export methods of OTLP are answered here";
            Err(Refusal::new(Reason::NotFound, message))
        }
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let found = headers
        .get(CONTENT_TYPE)
        .map(axum::http::HeaderValue::as_bytes);
    // With a message format behind it, such as "+proto".
    found.is_some_and(|value| {
        value.starts_with(b"application/grpc") && !value.starts_with(b"application/grpc-web")
    })
}

/// Whether the message is compressed, and its length.
fn read_prefix(prefix: &[u8]) -> Result<(bool, usize), Refusal> {
    let [compressed @ (0 | 1), a, b, c, d] = *prefix else {
        return Err(Refusal::malformed(&"there is no message"));
    };
    let length = u32::from_be_bytes([a, b, c, d]);
    Ok((
        compressed == 1,
        usize::try_from(length).unwrap_or(usize::MAX),
    ))
}

/// Of a message. One that is not compressed may stand where others are.
fn coding(compressed: bool, headers: &HeaderMap) -> Result<Coding, Refusal> {
    if !compressed {
        return Ok(Coding::Identity);
    }
    let name = headers.get(ENCODING).map(HeaderValue::as_bytes);
    match Coding::named(name.unwrap_or_default())? {
        Coding::Identity => Err(Refusal::malformed(&"it is not told how it is compressed")),
        coding => Ok(coding),
    }
}

fn success(answer: &ExportTraceServiceResponse) -> Response {
    let length = answer.encoded_len();
    let mut message = BytesMut::with_capacity(PREFIX.saturating_add(length));
    message.put_u8(0);
    message.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.put_slice(&answer.encode_to_vec());
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))]);
    let body = Full::new(message.freeze()).with_trailers(ready(Some(Ok(trailers))));
    ([(CONTENT_TYPE, GRPC)], Body::new(body)).into_response()
}

fn failure(refusal: &Refusal) -> Response {
    let mut response: Response = status(refusal).into_http();
    if refusal.reason == Reason::UnsupportedEncoding {
        let supported = HeaderValue::from_static(SUPPORTED);
        response.headers_mut().insert(ACCEPT_ENCODING, supported);
    }
    response
}

/// Only what may be tried again has one of the codes that OTLP calls retryable.
fn status(refusal: &Refusal) -> Status {
    let code = match refusal.reason {
        // Without a RetryInfo it is not to be sent again.
        Reason::BodyTooLarge => Code::ResourceExhausted,
        Reason::Malformed | Reason::UnsupportedMediaType => Code::InvalidArgument,
        Reason::UnsupportedEncoding | Reason::NotFound | Reason::Method => Code::Unimplemented,
        Reason::Host => Code::PermissionDenied,
        Reason::Timeout => Code::DeadlineExceeded,
        Reason::Busy => Code::Unavailable,
        Reason::Aborted => Code::Cancelled,
    };
    Status::new(code, refusal.message.clone())
}

#[cfg(test)]
mod tests;
