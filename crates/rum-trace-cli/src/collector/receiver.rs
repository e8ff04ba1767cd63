//! OTLP over HTTP, as far as services of this machine need it: protobuf, not
//! compressed. (OTLP specification 1.x, section OTLP/HTTP.)

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;

use super::resource::{Resource, Scope};
use super::span::Span;
use super::store::Store;

/// The largest request body, in bytes. A batch of the SDK's (512 spans) is
/// around a quarter of it.
const MAX_BODY: usize = 4 * 1024 * 1024;

const PROTOBUF: &str = "application/x-protobuf";

pub(super) fn router(store: Arc<Store>) -> Router {
    Router::new()
        .route("/v1/traces", post(traces))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(store)
}

async fn traces(
    State(store): State<Arc<Store>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    readable(&headers)?;
    let body = body.map_err(|rejection| Refusal::new(rejection.status(), rejection.body_text()))?;
    let request = ExportTraceServiceRequest::decode(body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let answer = ExportTraceServiceResponse {
        partial_success: keep(&store, request),
    };
    Ok(protobuf(StatusCode::OK, &answer))
}

fn readable(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let media_type = text(CONTENT_TYPE).and_then(|value| value.split(';').next());
    if !media_type.is_some_and(|found| found.trim().eq_ignore_ascii_case(PROTOBUF)) {
        let message = format!("only content-type {PROTOBUF} is taken here");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    if text(CONTENT_ENCODING).is_some_and(|found| !found.eq_ignore_ascii_case("identity")) {
        let message =
            "compressed requests are not taken here: set the exporter's compression to none";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    Ok(())
}

/// Stores what are spans, and tells of those that are none.
fn keep(store: &Store, request: ExportTraceServiceRequest) -> Option<ExportTracePartialSuccess> {
    let mut rejected = ExportTracePartialSuccess::default();
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.unwrap_or_default();
        let resource = Arc::new(Resource::from_proto(resource));
        for of_scope in of_resource.scope_spans {
            let scope = Arc::new(Scope::from_proto(of_scope.scope.unwrap_or_default()));
            for span in of_scope.spans {
                match Span::from_proto(span, &resource, &scope) {
                    Ok(span) => spans.push(span),
                    Err(fault) => {
                        rejected.rejected_spans = rejected.rejected_spans.saturating_add(1);
                        rejected.error_message = fault.to_string();
                    }
                }
            }
        }
    }
    store.insert(spans);
    // Unset if all were taken.
    (rejected.rejected_spans > 0).then_some(rejected)
}

/// A request that is not taken: 4xx, so that the sender does not try again.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = RpcStatus {
            code: INVALID_ARGUMENT,
            message: self.message,
        };
        protobuf(self.status, &status)
    }
}

/// `google.rpc.Status`, which every 4xx answer of OTLP has to hold.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

const INVALID_ARGUMENT: i32 = 3;

fn protobuf(status: StatusCode, message: &impl Message) -> Response {
    (status, [(CONTENT_TYPE, PROTOBUF)], message.encode_to_vec()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
    use rum_trace_propagation::TraceId;
    use tower::ServiceExt as _;

    use super::*;
    use crate::collector::{Limits, SpanBuilder};

    fn export(spans: Vec<opentelemetry_proto::tonic::trace::v1::Span>) -> Vec<u8> {
        let name = KeyValue {
            key: "service.name".into(),
            value: Some(AnyValue {
                value: Some(Value::StringValue("shop".into())),
            }),
            ..KeyValue::default()
        };
        let of_resource = ResourceSpans {
            resource: Some(Resource {
                attributes: vec![name],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![of_resource],
        }
        .encode_to_vec()
    }

    async fn post(
        store: &Arc<Store>,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> (StatusCode, Bytes) {
        let mut request = Request::post("/v1/traces");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = router(Arc::clone(store)).oneshot(request).await.unwrap();
        let status = response.status();
        assert_eq!(response.headers()[CONTENT_TYPE], PROTOBUF);
        (
            status,
            to_bytes(response.into_body(), 1 << 20).await.unwrap(),
        )
    }

    const PLAIN: &[(&str, &str)] = &[("content-type", "application/x-protobuf")];

    #[tokio::test]
    async fn spans_are_kept_and_those_that_are_none_are_told() {
        let store = Arc::new(Store::new(Limits::default()));
        let good = SpanBuilder::new("", 1, 2, 3).server().name("GET /").proto();
        let bad = SpanBuilder::new("", 0, 2, 3).proto();
        let (status, body) = post(&store, PLAIN, export(vec![good.clone(), bad])).await;
        assert_eq!(status, StatusCode::OK);
        let answer = ExportTraceServiceResponse::decode(body).unwrap();
        let partial = answer.partial_success.unwrap();
        assert_eq!(partial.rejected_spans, 1);
        assert!(partial.error_message.contains("trace_id"));

        let kept = store.trace(TraceId::from_bytes([1; 16]).unwrap());
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].service(), &*kept[0].name), ("shop", "GET /"));

        let odd_case = [("content-type", "Application/X-Protobuf; charset=utf-8")];
        let (status, body) = post(&store, &odd_case, export(vec![good])).await;
        assert_eq!(status, StatusCode::OK);
        let answer = ExportTraceServiceResponse::decode(body).unwrap();
        assert_eq!(answer.partial_success, None);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_refused_in_words() {
        let store = Arc::new(Store::new(Limits::default()));
        let json = [("content-type", "application/json")];
        let gzip = [PLAIN[0], ("content-encoding", "gzip")];
        for (headers, body, status, word) in [
            (PLAIN, vec![0xff; 40], 400, "decode"),
            (&json, b"{}".to_vec(), 415, PROTOBUF),
            (&[], export(vec![]), 415, PROTOBUF),
            (&gzip, export(vec![]), 415, "compress"),
            (PLAIN, vec![0; MAX_BODY + 1], 413, "limit"),
        ] {
            let (found, body) = post(&store, headers, body).await;
            assert_eq!(found.as_u16(), status);
            let refusal = RpcStatus::decode(body).unwrap();
            assert!(refusal.message.contains(word), "{}", refusal.message);
        }
        assert_eq!(store.received(), 0);
    }

    /// Values nested without end must not reach the end of the stack.
    #[tokio::test]
    async fn values_nested_too_deep_are_refused() {
        let store = Arc::new(Store::new(Limits::default()));
        // AnyValue { array_value (5) { values (1): … } }, from the inside out.
        let tags = [0x0a, 0x2a].into_iter().cycle().take(2_000);
        let value = wrap(tags, Vec::new());
        let span = SpanBuilder::new("", 1, 2, 3).proto();
        let mut body = export(vec![span]);
        // resource_spans (1) { resource (1) { attributes (1) { value (2) } } }
        body.extend(wrap([0x12, 0x0a, 0x0a, 0x0a], value));
        let (status, _) = post(&store, PLAIN, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(store.received(), 0);
    }

    /// Puts a message into fields with these tags, from the inside out.
    fn wrap(tags: impl IntoIterator<Item = u8>, message: Vec<u8>) -> Vec<u8> {
        tags.into_iter().fold(message, |inner, tag| {
            let mut outer = vec![tag];
            prost::encoding::encode_varint(inner.len() as u64, &mut outer);
            outer.extend(inner);
            outer
        })
    }
}
