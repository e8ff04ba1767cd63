//! Responses are as they were, and the span ends with the body.

mod support;

use std::future::poll_fn;
use std::pin::pin;

use axum::body::Body;
use axum::response::Response;
use futures_core::Stream;
use opentelemetry::trace::Status;
use support::{Harness, OWN, Seen, Server, answer, in_time, text};

/// gzip of 100 times `hello, `.
const GZIP: &[u8] = b"\
    \x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\xc8\x18\xa5\
    \x46\xa9\xa1\x46\x01\x00\x0c\x30\x1f\x86\xbc\x02\x00\x00";

async fn server() -> Server {
    Server::start(|seen: &Seen| match seen.target.as_str() {
        "/json" => answer(200, r#"{"id": 42}"#),
        "/gzip" => Response::builder()
            .header("content-encoding", "gzip")
            .header("x-kept", "yes")
            .body(Body::from(GZIP))
            .expect("a response"),
        "/stream" => answer(200, Body::new(Parts(3))),
        _ => answer(200, "hello"),
    })
    .await
}

/// A body of so many parts, whose length nobody declares.
struct Parts(usize);

impl http_body::Body for Parts {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        let Some(left) = self.0.checked_sub(1) else {
            return std::task::Poll::Ready(None);
        };
        self.0 = left;
        let frame = http_body::Frame::data("part".into());
        std::task::Poll::Ready(Some(Ok(frame)))
    }
}

async fn get(harness: &Harness, server: &Server, path: &str) -> reqwest::Response {
    let client = harness.client(server.address);
    let response = client.get(server.url(OWN, path)).send();
    let response = in_time(response).await.expect("a response");
    assert!(
        harness.spans().is_empty(),
        "{path}: the body is still to come"
    );
    response
}

fn assert_fine(harness: &Harness) {
    let span = harness.one();
    assert_eq!(span.status, Status::Unset);
    let status = text(&span, "http.response.status_code");
    assert_eq!(status.as_deref(), Some("200"));
    assert_eq!(text(&span, "error.type"), None);
}

#[tokio::test]
async fn the_response_is_as_reqwest_gives_it() {
    let (harness, server) = (Harness::new(), server().await);
    for path in ["/", "/gzip", "/stream", "/json"] {
        let url = server.url(OWN, path);
        let plain = support::http(server.address).build().expect("a client");
        let plain = in_time(plain.get(&url).send()).await.expect("a response");
        let ours = get(&harness, &server, path).await;
        assert_eq!(ours.url(), plain.url(), "{path}");
        assert_eq!(ours.status(), plain.status(), "{path}");
        assert_eq!(ours.version(), plain.version(), "{path}");
        assert_eq!(ours.remote_addr(), plain.remote_addr(), "{path}");
        assert_eq!(ours.remote_addr(), Some(server.address), "{path}");
        assert_eq!(ours.content_length(), plain.content_length(), "{path}");
        let names = |response: &reqwest::Response| {
            let names = response.headers().keys().map(ToString::to_string);
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(&ours), names(&plain), "{path}");
        assert_eq!(ours.extensions().len(), plain.extensions().len(), "{path}");
        let (ours, plain) = (in_time(ours.bytes()).await, in_time(plain.bytes()).await);
        assert_eq!(ours.expect("a body"), plain.expect("a body"), "{path}");
        assert_fine(&harness);
    }
}

#[tokio::test]
async fn each_way_to_read_a_body() {
    let (harness, server) = (Harness::new(), server().await);

    let response = get(&harness, &server, "/json").await;
    let value: serde_json::Value = in_time(response.json()).await.expect("JSON");
    assert_eq!(value["id"], 42);
    assert_fine(&harness);

    let response = get(&harness, &server, "/gzip").await;
    let body = in_time(response.text()).await.expect("a body");
    assert_eq!(body, "hello, ".repeat(100));
    assert_fine(&harness);

    let mut response = get(&harness, &server, "/stream").await;
    let mut body = Vec::new();
    while let Some(part) = in_time(response.chunk()).await.expect("a part") {
        body.extend(part);
    }
    assert_eq!(body, b"partpartpart");
    assert_fine(&harness);

    let response = get(&harness, &server, "/stream").await;
    let mut stream = pin!(response.bytes_stream());
    let mut length = 0;
    while let Some(part) = in_time(poll_fn(|cx| stream.as_mut().poll_next(cx))).await {
        length += part.expect("a part").len();
    }
    assert_eq!(length, 12);
    assert_fine(&harness);
}

#[tokio::test]
async fn the_last_byte_ends_the_span_of_a_body_of_known_length() {
    let (harness, server) = (Harness::new(), server().await);
    let mut response = get(&harness, &server, "/").await;
    let part = in_time(response.chunk()).await.expect("a part");
    assert_eq!(part.as_deref(), Some(&b"hello"[..]));
    assert_fine(&harness);
    drop(response);
    assert!(harness.spans().is_empty());
}

#[tokio::test]
async fn a_body_that_is_dropped_ends_the_span() {
    let (harness, server) = (Harness::new(), server().await);
    drop(get(&harness, &server, "/stream").await);
    assert_fine(&harness);
    let mut begun = get(&harness, &server, "/stream").await;
    in_time(begun.chunk()).await.expect("a part");
    assert!(harness.spans().is_empty());
    drop(begun);
    assert_fine(&harness);
}

#[tokio::test]
async fn an_error_for_its_status_ends_the_span() {
    let server = Server::start(|_: &Seen| answer(503, "later")).await;
    let harness = Harness::new();
    let response = get(&harness, &server, "/").await;
    let error = response.error_for_status().expect_err("an error");
    assert_eq!(
        error.url().map(reqwest::Url::as_str),
        Some(&*server.url(OWN, "/"))
    );
    assert_eq!(text(&harness.one(), "error.type").as_deref(), Some("503"));
}
