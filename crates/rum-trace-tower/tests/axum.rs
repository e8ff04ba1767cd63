//! The layer on a real axum server.
#![cfg(feature = "axum")]

mod support;

use std::convert::Infallible;
use std::sync::mpsc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{any, get};
use http_body_util::BodyExt;
use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use rum_trace_core::{Injection, RumContext};
use rum_trace_tower::axum::{CurrentTrace, Rum};
use support::*;
use tower::util::MapRequestLayer;
use tower::{ServiceExt, service_fn};

#[tokio::test]
async fn the_phones_trace_goes_on() {
    let spans = Spans::new();
    let app = Router::new()
        .route("/users/{id}", get(|| async { "hello" }))
        .layer(spans.layer());
    let server = Server::start(app).await;
    let headers = [
        &format!("traceparent: {TRACEPARENT}"),
        "tracestate: vendor=1",
        &format!("tracestate: {RUM}"),
        "user-agent: Shop/5.0.1",
    ];
    let response = server.request("GET", "/users/42?a=1", &headers).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    let span = spans.one().await;
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
    let found = attributes(&span);
    let expected = [
        ("client.address", "127.0.0.1"),
        ("http.route", "/users/{id}"),
        ("network.protocol.version", "1.1"),
        ("server.address", "shop.example"),
        ("server.port", "8080"),
        ("session.id", "4f04d2f5"),
        ("url.path", "/users/42"),
        ("url.query", "a=1"),
        ("user.id", "uid_1"),
        ("user_agent.original", "Shop/5.0.1"),
    ];
    for (name, value) in expected {
        assert_eq!(found[name], value, "{name}");
    }
}

#[tokio::test]
async fn routes_of_nested_routers_and_of_nothing() {
    let spans = Spans::new();
    let inner = Router::new().route("/{id}", get(|| async { "inner" }));
    let app = Router::new()
        .nest("/items", inner)
        .route("/gone", get(|| async { StatusCode::NOT_FOUND }))
        .layer(spans.layer());
    let server = Server::start(app).await;
    let table = [
        ("/items/1", "GET /items/{id}", Some("/items/{id}"), "200"),
        ("/gone", "GET /gone", Some("/gone"), "404"),
        ("/nowhere", "GET", None, "404"),
    ];
    for (path, name, route, status) in table {
        server.request("GET", path, &[]).await;
        let span = spans.one().await;
        let found = attributes(&span);
        assert_eq!(span.name, name);
        assert_eq!(found.get("http.route").map(String::as_str), route, "{path}");
        assert_eq!(found["http.response.status_code"], status);
        assert_eq!(found["url.path"], path);
        assert_eq!(span.status, Status::Unset);
    }
}

#[tokio::test]
async fn a_layer_on_a_nested_router_sees_the_whole_path() {
    let spans = Spans::new();
    let inner = Router::new()
        .route("/{id}", get(|| async { "inner" }))
        .layer(spans.layer());
    let server = Server::start(Router::new().nest("/items", inner)).await;
    server.request("GET", "/items/1", &[]).await;
    let span = spans.one().await;
    assert_eq!(span.name, "GET /items/{id}");
    assert_eq!(attributes(&span)["url.path"], "/items/1");
}

#[tokio::test]
async fn handlers_know_the_client() {
    let spans = Spans::new();
    let optional = |rum: Option<Rum>| async move {
        rum.map_or("nobody".to_owned(), |Rum(rum)| {
            rum.session_id().unwrap_or("?").to_owned()
        })
    };
    let required = |Rum(rum): Rum| async move { rum.app_id().unwrap_or("?").to_owned() };
    let context = || async { RumContext::current().user_id().unwrap_or("?").to_owned() };
    let ids = |trace: CurrentTrace| async move { format!("{}/{}", trace.trace_id, trace.span_id) };
    let app = Router::new()
        .route("/optional", get(optional))
        .route("/required", get(required))
        .route("/context", get(context))
        .route("/ids", get(ids))
        .layer(spans.layer());
    let server = Server::start(app).await;
    let rum = format!("tracestate: {RUM}");
    let parent = format!("traceparent: {TRACEPARENT}");
    let table = [
        ("/optional", vec![&*rum], "200", "4f04d2f5"),
        ("/optional", vec![], "200", "nobody"),
        ("/required", vec![&*rum], "200", "demo123@53df7ad2afe8301"),
        ("/required", vec![], "400", "gateway dropped its tracestate"),
        ("/context", vec![&*rum], "200", "uid_1"),
        ("/ids", vec![&*parent], "200", TRACE),
    ];
    for (path, headers, status, body) in table {
        let response = server.request("GET", path, &headers).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {response}"
        );
        assert!(response.contains(body), "{path}: {response}");
        let span = spans.one().await;
        if path == "/ids" {
            assert!(response.ends_with(&span.span_context.span_id().to_string()));
        }
    }
}

#[tokio::test]
async fn spans_and_calls_of_the_handler_hang_under_it() {
    let spans = Spans::new();
    let tracer = spans.provider().tracer("handler");
    let handler = move || async move {
        tracer.in_span("work", |cx| {
            let mut headers = axum::http::HeaderMap::new();
            rum_trace_tower::inject(&cx, Injection::to_own_service(), &mut headers);
            headers["traceparent"].to_str().expect("text").to_owned()
        })
    };
    let app = Router::new().route("/", get(handler)).layer(spans.layer());
    let server = Server::start(app).await;
    let response = server
        .request("GET", "/", &[&format!("traceparent: {TRACEPARENT}")])
        .await;
    let spans = spans.wait_for(2).await;
    let (child, parent) = (&spans[0], &spans[1]);
    assert_eq!(child.name, "work");
    assert_eq!(child.parent_span_id, parent.span_context.span_id());
    assert!(response.ends_with(&format!("00-{TRACE}-{}-01", child.span_context.span_id())));
}

#[tokio::test]
async fn each_response_ends_its_span_once() {
    let chunks = || {
        let chunks =
            ["one ", "two ", "three"].map(|chunk| Ok::<_, std::io::Error>(chunk.to_owned()));
        Body::from_stream(futures_stream(chunks.into()))
    };
    let app = |spans: &Spans| {
        Router::new()
            .route("/text", any(|| async { "text" }))
            .route("/empty", any(|| async { StatusCode::NO_CONTENT }))
            .route(
                "/chunks",
                any(move || async move { Response::new(chunks()) }),
            )
            .route(
                "/sized",
                any(move || async move {
                    Response::builder()
                        .header("content-length", 13)
                        .body(chunks())
                        .expect("valid")
                }),
            )
            .route(
                "/fails",
                any(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
            )
            .layer(spans.layer())
    };
    let table = [
        ("GET", "/text", "200", None),
        ("HEAD", "/text", "200", None),
        ("HEAD", "/chunks", "200", None),
        ("GET", "/empty", "204", None),
        ("GET", "/chunks", "200", None),
        ("GET", "/sized", "200", None),
        ("GET", "/fails", "500", Some("500")),
        ("HEAD", "/fails", "500", Some("500")),
    ];
    for (method, path, status, error_type) in table {
        let spans = Spans::new();
        let server = Server::start(app(&spans)).await;
        let response = server.request(method, path, &[]).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{method} {path}: {response}"
        );
        let span = spans.one().await;
        let found = attributes(&span);
        assert_eq!(
            found["http.response.status_code"], status,
            "{method} {path}"
        );
        let found = found.get("error.type").map(String::as_str);
        assert_eq!(found, error_type, "{method} {path}");
    }
}

/// A body that knows its length, and does not tell when it is at its end, as
/// that of a proxy.
struct Quiet {
    chunks: std::slice::Iter<'static, &'static str>,
    length: Option<u64>,
}

impl http_body::Body for Quiet {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        let frame = |chunk: &'static str| Ok(http_body::Frame::data(bytes::Bytes::from(chunk)));
        std::task::Poll::Ready(self.chunks.next().copied().map(frame))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.length
            .map_or_else(http_body::SizeHint::new, http_body::SizeHint::with_exact)
    }
}

#[tokio::test]
async fn a_body_that_the_server_stops_polling_is_complete() {
    let table: [(&str, &'static [&'static str], Option<u64>, Option<&str>); 4] = [
        ("nothing declared by the header", &[], None, Some("0")),
        (
            "the length only in the hint",
            &["one ", "two"],
            Some(7),
            None,
        ),
        ("nothing, in the hint", &[], Some(0), None),
        (
            "the length only in the header",
            &["one ", "two"],
            None,
            Some("7"),
        ),
    ];
    for (name, chunks, hint, header) in table {
        let spans = Spans::new();
        let handler = move || async move {
            let body = Quiet {
                chunks: chunks.iter(),
                length: hint,
            };
            let mut response = Response::builder();
            if let Some(length) = header {
                response = response.header("content-length", length);
            }
            response.body(Body::new(body)).expect("valid")
        };
        let app = Router::new().route("/", get(handler)).layer(spans.layer());
        let server = Server::start(app).await;
        let response = server.request("GET", "/", &[]).await;
        assert!(response.ends_with(&chunks.concat()), "{name}: {response}");
        let found = attributes(&spans.one().await);
        assert_eq!(found.get("error.type"), None, "{name}");
    }
}

#[tokio::test]
async fn a_body_that_fails_is_told_apart() {
    let spans = Spans::new();
    let handler = || async {
        let chunks: Vec<std::io::Result<String>> =
            vec![Ok("one".to_owned()), Err(std::io::Error::other("broken"))];
        Body::from_stream(futures_stream(chunks))
    };
    let app = Router::new().route("/", get(handler)).layer(spans.layer());
    let server = Server::start(app).await;
    server.request("GET", "/", &[]).await;
    let span = spans.one().await;
    let found = attributes(&span);
    assert_eq!(found["error.type"], "response_body_error");
    assert_eq!(found["http.response.status_code"], "200");
    assert_eq!(span.status, Status::error(""));
}

#[tokio::test]
async fn a_client_that_goes_away_is_told_apart() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let endless = || async {
        let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(65_536)));
        Body::from_stream(iter_stream(chunks))
    };
    let never = || async { std::future::pending::<&'static str>().await };
    for (path, status, kind) in [
        ("/endless", Some("200"), "client_disconnected_in_body"),
        ("/never", None, "client_disconnected"),
    ] {
        let spans = Spans::new();
        let app = Router::new()
            .route("/endless", get(endless))
            .route("/never", get(never))
            .layer(spans.layer());
        let server = Server::start(app).await;
        let mut stream = server.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        if status.is_some() {
            stream
                .read_exact(&mut [0; 1024])
                .await
                .expect("the body has begun");
        }
        drop(stream);
        let span = spans.one().await;
        let found = attributes(&span);
        assert_eq!(found["error.type"], kind, "{path}");
        let found = found.get("http.response.status_code").map(String::as_str);
        assert_eq!(found, status, "{path}");
        assert_eq!(span.status, Status::error(""));
    }
}

#[tokio::test]
async fn a_panic_is_told_apart() {
    let spans = Spans::new();
    let handler = || async {
        if true {
            panic!("in the handler");
        }
        "never"
    };
    let app = Router::new().route("/", get(handler)).layer(spans.layer());
    let server = Server::start(app).await;
    server.request("GET", "/", &[]).await;
    assert_eq!(attributes(&spans.one().await)["error.type"], "panic");
}

#[tokio::test]
async fn a_filtered_request_has_no_span_but_a_trace() {
    let spans = Spans::new();
    let layer = spans.layer_with(|b| b.filter(|request| request.path() != "/healthz"));
    let handler = || async {
        opentelemetry::Context::current()
            .span()
            .span_context()
            .trace_id()
            .to_string()
    };
    let app = Router::new().route("/healthz", get(handler)).layer(layer);
    let server = Server::start(app).await;
    let response = server
        .request("GET", "/healthz", &[&format!("traceparent: {TRACEPARENT}")])
        .await;
    assert!(response.ends_with(TRACE), "{response}");
    assert!(spans.all().is_empty());
}

/// A stream of ready items, without a crate for it.
/// Wherever axum calls the services that layers make: `is_route` hangs on it.
#[tokio::test]
async fn layers_inside_work_in_the_request_from_their_call_on() {
    let spans = Spans::new();
    let (seen, calls) = mpsc::channel();
    let inside = MapRequestLayer::new(move |request: Request<Body>| {
        let span = Context::current().span().span_context().span_id();
        seen.send(span).unwrap();
        request
    });
    let hello = || async { "hello" };
    let service =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let app = Router::new()
        .route("/handler", get(hello))
        .route_service("/service", service)
        .nest("/nested", Router::new().route("/handler", get(hello)))
        .nest_service("/other", service)
        .method_not_allowed_fallback(hello)
        .fallback(hello)
        .layer(inside)
        .layer(spans.layer());
    let server = Server::start(app.clone()).await;
    let asked = [
        ("GET", "/handler"),
        ("POST", "/handler"),
        ("GET", "/service"),
        ("GET", "/nested/handler"),
        ("GET", "/other/x"),
        ("GET", "/nowhere"),
    ];
    for (method, path) in asked {
        server.request(method, path, &[]).await;
        let span = spans.one().await.span_context.span_id();
        assert_eq!(calls.try_recv(), Ok(span), "{method} {path}");
        // Without `axum::serve` routes are made at each request.
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
        let span = spans.one().await.span_context.span_id();
        assert_eq!(calls.try_recv(), Ok(span), "{method} {path}");
    }
}

fn futures_stream<T: Unpin>(items: Vec<T>) -> impl futures_core::Stream<Item = T> {
    iter_stream(items.into_iter())
}

fn iter_stream<I: Iterator + Unpin>(items: I) -> impl futures_core::Stream<Item = I::Item> {
    struct Items<I>(I);
    impl<I: Iterator + Unpin> futures_core::Stream for Items<I> {
        type Item = I::Item;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<I::Item>> {
            std::task::Poll::Ready(self.0.next())
        }
    }
    Items(items)
}
