//! gRPC through the layer, frame by frame: no gRPC library, hand-made bodies.
//!
//! The wire is that of "gRPC over HTTP2" in gRPC's own documentation, names and
//! values are those of OpenTelemetry's conventions for gRPC.

mod support;

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;
use rum_trace_tower::{ResponseBody, RumTraceLayer};
use support::*;
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// A method that the layer is told of, and one that it is not.
const KNOWN: &str = "shop.v1.Shop/GetItem";
const UNKNOWN: &str = "shop.v1.Shop/Guessed";

/// gRPC's codes, and whether each is the server's failure by the conventions.
const CODES: [(&str, bool); 17] = [
    ("OK", false),
    ("CANCELLED", false),
    ("UNKNOWN", true),
    ("INVALID_ARGUMENT", false),
    ("DEADLINE_EXCEEDED", true),
    ("NOT_FOUND", false),
    ("ALREADY_EXISTS", false),
    ("PERMISSION_DENIED", false),
    ("RESOURCE_EXHAUSTED", false),
    ("FAILED_PRECONDITION", false),
    ("ABORTED", false),
    ("OUT_OF_RANGE", false),
    ("UNIMPLEMENTED", true),
    ("INTERNAL", true),
    ("UNAVAILABLE", true),
    ("DATA_LOSS", true),
    ("UNAUTHENTICATED", false),
];

/// A response's frames, one by one. Like a gRPC library's body it tells neither
/// its length nor its end beforehand.
#[derive(Debug, Default)]
struct Frames(VecDeque<io::Result<Frame<Bytes>>>);

impl Frames {
    fn message(mut self) -> Self {
        // No compression, 2 bytes, a protobuf field.
        let message = Bytes::from_static(&[0, 0, 0, 0, 2, 8, 42]);
        self.0.push_back(Ok(Frame::data(message)));
        self
    }

    fn trailers(mut self, status: &[u8]) -> Self {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", value(status));
        trailers.insert("grpc-message", value(b"secret"));
        self.0.push_back(Ok(Frame::trailers(trailers)));
        self
    }

    fn error(mut self) -> Self {
        self.0.push_back(Err(io::Error::other("secret")));
        self
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.pop_front())
    }
}

fn value(bytes: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(bytes).expect("a header's value")
}

fn request(method: Method, path: &str, content_type: Option<&str>) -> Request<Empty<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://shop.example/{path}"))
        .version(Version::HTTP_2)
        .header("te", "trailers")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.body(Empty::new()).expect("a request")
}

fn call(path: &str) -> Request<Empty<Bytes>> {
    request(Method::POST, path, Some("application/grpc"))
}

fn head() -> http::response::Builder {
    Response::builder().header("content-type", "application/grpc")
}

fn answer(frames: Frames) -> Response<Frames> {
    head().body(frames).expect("a response")
}

fn trailers_only(status: &[u8]) -> Response<Frames> {
    let head = head().header("grpc-status", value(status));
    head.body(Frames::default()).expect("a response")
}

/// A service's span, and the attributes by name.
struct Seen {
    span: SpanData,
    found: HashMap<String, String>,
}

impl Seen {
    fn new(span: SpanData) -> Self {
        let found = attributes(&span);
        Seen { span, found }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.found.get(name).map(String::as_str)
    }

    /// `error.type`, which goes with the status Error and with no other.
    #[track_caller]
    fn error(&self) -> Option<&str> {
        let error = self.get("error.type");
        let status = error.map_or(Status::Unset, |_| Status::error(""));
        assert_eq!(self.span.status, status, "{error:?}");
        error
    }
}

/// A layer that knows [`KNOWN`], and its spans.
struct Layered {
    spans: Spans,
    layer: RumTraceLayer,
}

impl Layered {
    fn new() -> Self {
        let spans = Spans::new();
        let layer = spans.layer_with(|builder| builder.rpc_method(KNOWN));
        Layered { spans, layer }
    }

    /// Serves the request with this response, reads it to its end, and gives its
    /// span.
    async fn span_of(&self, request: Request<Empty<Bytes>>, response: Response<Frames>) -> Seen {
        let mut body = self.head_of(request, response).await;
        while let Some(Ok(_)) = body.frame().await {}
        drop(body);
        Seen::new(self.spans.one().await)
    }

    async fn head_of(
        &self,
        request: Request<Empty<Bytes>>,
        response: Response<Frames>,
    ) -> ResponseBody<Frames> {
        let mut response = Some(response);
        let service = ServiceBuilder::new()
            .layer(self.layer.clone())
            .service(service_fn(move |_| {
                let response = response.take().expect("one request");
                async move { Ok::<_, Infallible>(response) }
            }));
        let response = service.oneshot(request).await.expect("infallible");
        response.into_body()
    }
}

/// A call whose status comes in the trailers is answered in the head all the same.
#[tokio::test]
async fn the_holder_of_the_verification_token_is_told_of_a_call() {
    let spans = Spans::new();
    let token = "5f0e8c6a1b3d7924";
    let layer = spans.layer_with(|builder| builder.verification_token(token));
    let service = ServiceBuilder::new()
        .layer(layer)
        .service(service_fn(|_| async {
            Ok::<_, Infallible>(answer(Frames::default().message().trailers(b"0")))
        }));
    let mut request = call(KNOWN);
    let name = rum_trace_core::VERIFICATION_REQUEST_HEADER;
    request.headers_mut().insert(name, value(token.as_bytes()));
    let response = service.oneshot(request).await.expect("infallible");
    let name = rum_trace_core::VERIFICATION_RESPONSE_HEADER;
    assert_eq!(response.headers().get_all(name).iter().count(), 1);
    let mut body = response.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    drop(body);
    spans.one().await;
}

#[tokio::test]
async fn each_code_in_the_head_and_in_the_trailers() {
    let layered = Layered::new();
    for (code, (name, is_error)) in CODES.into_iter().enumerate() {
        let code = code.to_string();
        let responses = [
            trailers_only(code.as_bytes()),
            answer(Frames::default().trailers(code.as_bytes())),
            answer(Frames::default().message().trailers(code.as_bytes())),
            answer(
                Frames::default()
                    .message()
                    .message()
                    .trailers(code.as_bytes()),
            ),
        ];
        for (way, response) in responses.into_iter().enumerate() {
            let seen = layered.span_of(call(KNOWN), response).await;
            let case = format!("{name}, way {way}");
            assert_eq!(seen.get("rpc.response.status_code"), Some(name), "{case}");
            assert_eq!(seen.error(), is_error.then_some(name), "{case}");
            assert_eq!(seen.span.name, KNOWN, "{case}");
            assert_eq!(seen.get("rpc.method"), Some(KNOWN), "{case}");
            assert_eq!(seen.get("rpc.system.name"), Some("grpc"), "{case}");
            assert_eq!(seen.get("rpc.method_original"), None, "{case}");
            assert!(!format!("{:?}", seen.span).contains("secret"), "{case}");
        }
    }
}

#[tokio::test]
async fn the_phones_trace_goes_on_in_a_call() {
    let layered = Layered::new();
    let response = answer(Frames::default().message().trailers(b"0"));
    let seen = layered.span_of(call(KNOWN), response).await;
    assert_eq!(seen.span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(seen.span.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_eq!(seen.get("session.id"), Some("4f04d2f5"));
    assert_eq!(seen.get("server.address"), Some("shop.example"));
    assert_eq!(seen.get("network.protocol.version"), Some("2"));
}

#[tokio::test]
async fn the_span_ends_with_the_trailers_and_not_before() {
    let layered = Layered::new();
    let response = answer(Frames::default().message().trailers(b"14"));
    let mut body = layered.head_of(call(KNOWN), response).await;
    assert!(
        layered.spans.all().is_empty(),
        "the message is still to come"
    );
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
    assert!(
        layered.spans.all().is_empty(),
        "the trailers are still to come"
    );
    let trailers = body.frame().await.expect("a frame").expect("no error");
    assert!(trailers.is_trailers(), "handed on");
    let seen = Seen::new(layered.spans.one().await);
    assert_eq!(seen.error(), Some("UNAVAILABLE"));
    drop(body);
    assert!(layered.spans.all().is_empty(), "and only once");
}

/// The status is what the trailers say, whatever else the head promised.
#[tokio::test]
async fn the_trailers_have_the_last_word() {
    let layered = Layered::new();
    let of_length = head().header("content-length", "7");
    let of_length = of_length.body(Frames::default().message().trailers(b"13"));
    let hasty = head().header("grpc-status", "0");
    let hasty = hasty.body(Frames::default().message().trailers(b"13"));
    for response in [of_length, hasty] {
        let response = response.expect("a response");
        let case = format!("{:?}", response.headers());
        let seen = layered.span_of(call(KNOWN), response).await;
        assert_eq!(seen.error(), Some("INTERNAL"), "{case}");
    }
}

#[tokio::test]
async fn a_status_that_is_none_is_unknown() {
    let layered = Layered::new();
    for status in [
        "abc",
        "99",
        "17",
        "-1",
        "0x0",
        "",
        "1e1",
        "4294967296",
        "\u{e9}",
    ] {
        for response in [
            trailers_only(status.as_bytes()),
            answer(Frames::default().message().trailers(status.as_bytes())),
        ] {
            let seen = layered.span_of(call(KNOWN), response).await;
            assert_eq!(
                seen.get("rpc.response.status_code"),
                Some("UNKNOWN"),
                "{status}"
            );
            assert_eq!(seen.error(), Some("UNKNOWN"), "{status}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_ends_without_a_status_is_not_complete() {
    let layered = Layered::new();
    let mut other_trailers = Frames::default().message();
    let trailers = HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))]);
    other_trailers.0.push_back(Ok(Frame::trailers(trailers)));
    let responses = [
        Frames::default(),
        Frames::default().message(),
        other_trailers,
    ];
    for (case, frames) in responses.into_iter().enumerate() {
        let seen = layered.span_of(call(KNOWN), answer(frames)).await;
        assert_eq!(seen.error(), Some("grpc_status_missing"), "{case}");
        assert_eq!(seen.get("rpc.response.status_code"), None, "{case}");
    }
}

/// A gateway or a router answers a gRPC client with plain HTTP.
#[tokio::test]
async fn an_answer_that_is_not_grpcs_has_the_status_of_http() {
    let layered = Layered::new();
    let table = [("503", Some("503")), ("502", Some("502")), ("404", None)];
    for (status, error) in table {
        let response = Response::builder()
            .status(status.parse::<u16>().expect("a status"))
            .header("content-type", "text/plain")
            .body(Frames::default().message())
            .expect("a response");
        let seen = layered.span_of(call(KNOWN), response).await;
        assert_eq!(seen.get("http.response.status_code"), Some(status));
        assert_eq!(seen.get("rpc.response.status_code"), None, "{status}");
        assert_eq!(seen.error(), error, "{status}");
        assert_eq!(seen.get("rpc.method"), Some(KNOWN), "{status}");
    }
}

#[tokio::test]
async fn which_requests_are_calls() {
    let layered = Layered::new();
    let table = [
        (Method::POST, Some("application/grpc"), true),
        (Method::POST, Some("application/grpc+proto"), true),
        (Method::POST, Some("application/grpc+json"), true),
        (Method::POST, Some("application/grpc;x"), true),
        (Method::POST, Some("application/grpc; charset=utf-8"), true),
        (Method::POST, Some("application/grpc-web"), false),
        (Method::POST, Some("application/grpc-web+proto"), false),
        (Method::POST, Some("application/grpc-web-text"), false),
        (Method::POST, Some("application/grpcfoo"), false),
        (Method::POST, Some("application/grp"), false),
        (Method::POST, Some("application/json"), false),
        (Method::POST, Some(""), false),
        (Method::POST, None, false),
        (Method::GET, Some("application/grpc"), false),
        (Method::PUT, Some("application/grpc"), false),
    ];
    for (method, content_type, is_call) in table {
        let case = format!("{method} {content_type:?}");
        let request = request(method.clone(), KNOWN, content_type);
        let response = answer(Frames::default().message().trailers(b"13"));
        let seen = layered.span_of(request, response).await;
        let system = seen.get("rpc.system.name");
        assert_eq!(system, is_call.then_some("grpc"), "{case}");
        // Another protocol's trailers say nothing.
        assert_eq!(seen.error(), is_call.then_some("INTERNAL"), "{case}");
        let status = seen.get("http.response.status_code");
        assert_eq!(status, (!is_call).then_some("200"), "{case}");
        let name = if is_call { KNOWN } else { method.as_str() };
        assert_eq!(seen.span.name, name, "{case}");
        assert!(
            is_call || !seen.found.keys().any(|key| key.starts_with("rpc.")),
            "{case}"
        );
    }
}

/// A client may make up any name: one is a method's once it has answered as
/// only a method does.
#[tokio::test]
async fn a_method_that_nobody_named() {
    let layered = Layered::new();
    let table = [
        ("12", "UNIMPLEMENTED", Some(UNKNOWN)),
        ("16", "UNAUTHENTICATED", Some(UNKNOWN)),
    ];
    for (code, status, original) in table {
        let seen = layered
            .span_of(call(UNKNOWN), trailers_only(code.as_bytes()))
            .await;
        assert_eq!(seen.span.name, "grpc", "{status}");
        assert_eq!(seen.get("rpc.method"), Some("_OTHER"), "{status}");
        assert_eq!(seen.get("rpc.method_original"), original, "{status}");
        assert_eq!(seen.get("rpc.response.status_code"), Some(status));
    }
    // And from then on, whatever it answers.
    for code in ["0", "12"] {
        let response = answer(Frames::default().message().trailers(code.as_bytes()));
        let seen = layered.span_of(call(UNKNOWN), response).await;
        assert_eq!(seen.span.name, UNKNOWN, "{code}");
        assert_eq!(seen.get("rpc.method"), Some(UNKNOWN), "{code}");
        assert_eq!(seen.get("rpc.method_original"), None, "{code}");
    }
}

#[tokio::test]
async fn paths_that_are_no_method_are_never_one() {
    let layered = Layered::new();
    for path in ["", "shop", "shop/", "a/b/c", "%00/x/y"] {
        let response = answer(Frames::default().message().trailers(b"0"));
        let seen = layered.span_of(call(path), response).await;
        assert_eq!(seen.span.name, "grpc", "{path}");
        assert_eq!(seen.get("rpc.method"), Some("_OTHER"), "{path}");
        assert_eq!(seen.get("rpc.method_original"), Some(path), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_in_mid_stream() {
    let layered = Layered::new();
    let response = answer(Frames::default().message().error());
    let seen = layered.span_of(call(KNOWN), response).await;
    assert_eq!(seen.error(), Some("response_body_error"));
    assert_eq!(seen.get("rpc.response.status_code"), None);
    assert_eq!(seen.get("rpc.method"), Some(KNOWN));
    assert!(
        !format!("{:?}", seen.span).contains("secret"),
        "an error's text is not ours to tell"
    );
}

#[tokio::test]
async fn a_client_that_leaves_in_mid_stream() {
    let layered = Layered::new();
    let response = answer(Frames::default().message().message().trailers(b"0"));
    let mut body = layered.head_of(call(KNOWN), response).await;
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
    drop(body);
    let seen = Seen::new(layered.spans.one().await);
    assert_eq!(seen.error(), Some("client_disconnected_in_body"));
    assert_eq!(seen.get("rpc.response.status_code"), None);
}

#[tokio::test]
async fn a_service_that_fails_without_an_answer() {
    let layered = Layered::new();
    let broken = |_| async { Err::<Response<Frames>, _>(io::Error::other("secret")) };
    let service = ServiceBuilder::new()
        .layer(layered.layer.clone())
        .service(service_fn(broken));
    let outcome = service.oneshot(call(KNOWN)).await;
    assert!(outcome.is_err(), "handed on");
    let seen = Seen::new(layered.spans.one().await);
    assert_eq!(seen.error(), Some("handler_error"));
    assert_eq!(seen.get("rpc.method"), Some(KNOWN));
    assert_eq!(seen.get("rpc.response.status_code"), None);
}
