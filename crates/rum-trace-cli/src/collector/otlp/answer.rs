//! Answers in the sender's own media type.

use axum::http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::json;

use super::encoding::SUPPORTED;
use super::{MediaType, Refusal};
use crate::collector::stats::Reason;

/// `google.rpc.Status`, which every 4xx and 5xx answer of OTLP has to hold.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

impl MediaType {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// Of a Content-Type header. Its parameters say nothing.
    pub(super) fn named(value: &[u8]) -> Option<Self> {
        let name = value.split(|byte| *byte == b';').next()?.trim_ascii();
        [Self::Protobuf, Self::Json]
            .into_iter()
            .find(|known| name.eq_ignore_ascii_case(known.name().as_bytes()))
    }
}

pub(super) fn success(media_type: MediaType, answer: &ExportTraceServiceResponse) -> Response {
    match media_type {
        MediaType::Protobuf => respond(StatusCode::OK, media_type, answer.encode_to_vec()),
        MediaType::Json => {
            let partial = answer.partial_success.as_ref().map(|partial| {
                // 64-bit numbers are text in JSON.
                let rejected = partial.rejected_spans.to_string();
                json!({"partialSuccess": {"rejectedSpans": rejected, "errorMessage": partial.error_message}})
            });
            let text = partial.unwrap_or_else(|| json!({})).to_string();
            respond(StatusCode::OK, media_type, text)
        }
    }
}

/// An answer without anything in it is the same for every signal.
pub(super) fn empty(media_type: MediaType) -> Response {
    success(media_type, &ExportTraceServiceResponse::default())
}

pub(super) fn refusal(media_type: MediaType, refusal: &Refusal) -> Response {
    let (status, code) = codes(refusal.reason);
    let body = match media_type {
        MediaType::Protobuf => RpcStatus {
            code,
            message: refusal.message.clone(),
        }
        .encode_to_vec(),
        MediaType::Json => json!({"code": code, "message": refusal.message})
            .to_string()
            .into(),
    };
    let mut response = respond(status, media_type, body);
    let header = match refusal.reason {
        Reason::UnsupportedEncoding => Some((ACCEPT_ENCODING, SUPPORTED)),
        Reason::Method => Some((ALLOW, "POST")),
        Reason::Timeout | Reason::Busy => Some((RETRY_AFTER, "1")),
        _ => None,
    };
    if let Some((name, value)) = header {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// For who asks a port of gRPC in another way: a person, or an exporter that has
/// the wrong port.
pub(super) fn text(refusal: &Refusal) -> Response {
    let (status, _) = codes(refusal.reason);
    (status, refusal.message.clone()).into_response()
}

/// For HTTP, and for `google.rpc.Status`. Only what may be tried again has one of
/// the codes that OTLP calls retryable.
const fn codes(reason: Reason) -> (StatusCode, i32) {
    const INVALID_ARGUMENT: i32 = 3;
    const NOT_FOUND: i32 = 5;
    const PERMISSION_DENIED: i32 = 7;
    const UNIMPLEMENTED: i32 = 12;
    const UNAVAILABLE: i32 = 14;
    match reason {
        Reason::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, INVALID_ARGUMENT),
        Reason::Malformed | Reason::Aborted => (StatusCode::BAD_REQUEST, INVALID_ARGUMENT),
        Reason::UnsupportedMediaType | Reason::UnsupportedEncoding => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID_ARGUMENT)
        }
        Reason::Host => (StatusCode::MISDIRECTED_REQUEST, PERMISSION_DENIED),
        Reason::Method => (StatusCode::METHOD_NOT_ALLOWED, UNIMPLEMENTED),
        Reason::NotFound => (StatusCode::NOT_FOUND, NOT_FOUND),
        // A 408 is for good by OTLP, and a slow network is not.
        Reason::Timeout | Reason::Busy => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
    }
}

fn respond(
    status: StatusCode,
    media_type: MediaType,
    body: impl Into<axum::body::Body>,
) -> Response {
    (status, [(CONTENT_TYPE, media_type.name())], body.into()).into_response()
}
