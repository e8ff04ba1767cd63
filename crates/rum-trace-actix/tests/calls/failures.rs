//! Calls that do not complete.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use actix_web::rt;
use actix_web::web::Bytes;
use awc::error::SendRequestError;
use awc::{Client, ClientRequest};
use opentelemetry::Context;
use opentelemetry::trace::Status;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use rum_trace_actix::RumTraceClient;
use rum_trace_core::Instrumenter;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::peer::*;
use crate::support::*;

/// How long a client waits that is to be too impatient.
const IMPATIENCE: Duration = Duration::from_millis(50);

async fn failed(spans: &Spans, request: ClientRequest) -> SpanData {
    let outcome = in_time(request.send()).await;
    assert!(outcome.is_err(), "{outcome:?}");
    let span = spans.one().await;
    assert_eq!(span.status, Status::error(""));
    assert_eq!(text(&span, "http.response.status_code"), None);
    span
}

/// Closes the connection with a request in it unread, which resets it.
async fn reset(stream: TcpStream) {
    stream.readable().await.expect("a request");
}

async fn closed(mut stream: TcpStream) {
    read_head(&mut stream).await;
}

async fn never(stream: TcpStream) {
    std::future::pending::<()>().await;
    drop(stream);
}

async fn nonsense(mut stream: TcpStream) {
    read_head(&mut stream).await;
    stream
        .write_all(b"HTTP/1.1 what?\r\n\r\n")
        .await
        .expect("sent");
}

#[actix_web::test]
async fn each_failure_before_the_response_is_told_apart() {
    let spans = Spans::new();
    let client = client(&spans);
    let table = [
        (Peer::serving(closed).await, "connection_closed"),
        (Peer::serving(reset).await, "connection_reset"),
        (Peer::serving(nonsense).await, "_OTHER"),
    ];
    for (peer, error) in &table {
        let span = failed(&spans, client.get(peer.url("/"))).await;
        assert_eq!(text(&span, "error.type").as_deref(), Some(*error));
    }
    let refused = client.get(format!("http://{}/", nobody()));
    let span = failed(&spans, refused).await;
    assert_eq!(
        text(&span, "error.type").as_deref(),
        Some("connection_refused")
    );
}

#[actix_web::test]
async fn a_request_whose_body_breaks_is_nobody_elses_fault() {
    let spans = Spans::new();
    let peer = Peer::serving(never).await;
    let broken = || Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    let chunks = Items([Ok(Bytes::from_static(b"x")), broken()].into_iter());
    let outcome = in_time(client(&spans).post(peer.url("/")).send_stream(chunks)).await;
    assert!(
        matches!(outcome, Err(SendRequestError::Body(_))),
        "{outcome:?}"
    );
    let span = spans.one().await;
    let error = text(&span, "error.type");
    assert_eq!(error.as_deref(), Some("request_body_error"));
}

#[actix_web::test]
async fn a_late_response_is_a_timeout_if_the_limit_is_known() {
    let spans = Spans::new();
    let peer = Peer::serving(never).await;
    let trace = || tracing(&spans, |builder| builder);
    let redirects = || {
        trace()
            .timeout(IMPATIENCE)
            .redirects(awc::middleware::Redirect::new())
    };
    let builder = || Client::builder().timeout(IMPATIENCE);
    let table = [
        (builder().wrap(trace()).finish(), "cancelled"),
        (
            builder().wrap(trace().timeout(IMPATIENCE)).finish(),
            "timeout",
        ),
        (
            builder().disable_redirects().wrap(redirects()).finish(),
            "timeout",
        ),
        // Longer than it took.
        (
            builder().wrap(trace().timeout(PATIENCE)).finish(),
            "cancelled",
        ),
    ];
    for (client, error) in table {
        let span = failed(&spans, client.get(peer.url("/"))).await;
        assert_eq!(text(&span, "error.type").as_deref(), Some(error));
    }
    // A connection that is not established in time is awc's own business.
    let trace = trace().timeout(IMPATIENCE);
    let late = Client::builder().timeout(IMPATIENCE).wrap(trace).finish();
    let outcome = in_time(late.ws(format!("ws://{}/", peer.address)).connect()).await;
    assert!(outcome.is_err());
    let span = spans.one().await;
    assert_eq!(text(&span, "error.type").as_deref(), Some("timeout"));
}

#[actix_web::test]
async fn a_call_that_is_given_up_is_cancelled() {
    let spans = Spans::new();
    let asked = Rc::new(Notify::new());
    let seen = asked.clone();
    let peer = Peer::serving(move |mut stream| {
        let seen = seen.clone();
        async move {
            read_head(&mut stream).await;
            seen.notify_one();
            never(stream).await;
        }
    })
    .await;
    let sent = client(&spans).get(peer.url("/")).send();
    // The request is under way, and nobody waits for it any longer.
    let given_up = async {
        tokio::select! {
            _ = sent => panic!("nobody answers"),
            () = asked.notified() => {}
        }
    };
    in_time(given_up).await;
    let span = spans.one().await;
    assert_eq!(text(&span, "error.type").as_deref(), Some("cancelled"));
    assert_eq!(span.status, Status::error(""));

    // One that was never polled.
    drop(client(&spans).get(peer.url("/")).send());
    let span = spans.one().await;
    assert_eq!(text(&span, "error.type").as_deref(), Some("cancelled"));
}

/// Answers with a body that is not whole, and does with the connection what it is told
/// once the client has read that.
async fn broken_off(head: &'static str, then: fn(TcpStream)) -> (Peer, Rc<Notify>) {
    let read = Rc::new(Notify::new());
    let seen = read.clone();
    let peer = Peer::serving(move |mut stream| {
        let seen = seen.clone();
        async move {
            // The request's own body stays unread.
            read_head(&mut stream).await;
            stream.write_all(head.as_bytes()).await.expect("sent");
            seen.notified().await;
            then(stream);
        }
    })
    .await;
    (peer, read)
}

fn close(stream: TcpStream) {
    let mut rest = [0; 64];
    // All of the request is read: its end is not a reset.
    while stream.try_read(&mut rest).is_ok_and(|read| read > 0) {}
    drop(stream);
}

#[actix_web::test]
async fn a_body_that_breaks_is_told_apart() {
    const DECLARED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nsome";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n";
    const NO_CHUNK: &str =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\nwhat?\r\n";
    type Then = fn(TcpStream);
    // Whether awc itself takes it for an error.
    let table: [(&'static str, Then, &str, bool); 4] = [
        (DECLARED, drop, "connection_reset", true),
        (CHUNKED, drop, "connection_reset", true),
        (DECLARED, close, "connection_closed", false),
        (NO_CHUNK, close, "response_body_error", true),
    ];
    let spans = Spans::new();
    let client = client(&spans);
    for (head, then, error, is_error) in table {
        let (peer, read) = broken_off(head, then).await;
        let sent = client.post(peer.url("/")).send_body("unread");
        let mut response = in_time(sent).await.expect("a response");
        let first = in_time(next(&mut response)).await;
        assert_eq!(first.expect("a chunk").expect("a good chunk"), "some");
        assert!(spans.all().is_empty(), "it has ended before its body");
        read.notify_one();
        let second = in_time(next(&mut response)).await;
        assert_eq!(
            second.is_some_and(|chunk| chunk.is_err()),
            is_error,
            "{error}"
        );
        let span = spans.one().await;
        let found = attributes(&span);
        assert_eq!(found["error.type"], error);
        assert_eq!(found["http.response.status_code"], "200");
        assert_eq!(span.status, Status::error(""));
    }
}

/// The next chunk of a body.
pub(crate) async fn next<S>(stream: &mut S) -> Option<S::Item>
where
    S: futures_core::Stream + Unpin,
{
    std::future::poll_fn(|cx| std::pin::Pin::new(&mut *stream).poll_next(cx)).await
}

/// awc's limit for a body is outside of it too: it is one that is waited for in vain.
#[actix_web::test]
async fn a_body_that_nobody_wants_is_no_error_and_one_that_does_not_come_is() {
    const SOME: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nsome";
    let spans = Spans::new();
    let (peer, _read) = broken_off(SOME, drop).await;
    let client = client(&spans);
    let response = in_time(client.get(peer.url("/")).send()).await;
    let mut response = response.expect("a response").timeout(IMPATIENCE);
    assert!(in_time(response.body()).await.is_err());
    drop(response);
    let of_limit = spans.one().await;

    let response = in_time(client.get(peer.url("/")).send()).await;
    drop(response);
    for (span, error) in [(of_limit, Some("cancelled")), (spans.one().await, None)] {
        assert_eq!(
            text(&span, "http.response.status_code").as_deref(),
            Some("200")
        );
        assert_eq!(text(&span, "error.type").as_deref(), error);
    }
}

/// Counts what is started and what is ended.
#[derive(Clone, Debug, Default)]
struct Open {
    started: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
}

impl SpanProcessor for Open {
    fn on_start(&self, _: &mut Span, _: &Context) {
        self.started.fetch_add(1, Ordering::SeqCst);
    }
    fn on_end(&self, _: SpanData) {
        self.ended.fetch_add(1, Ordering::SeqCst);
    }
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[actix_web::test]
async fn a_host_that_is_gone_leaves_nothing_open() {
    let open = Open::default();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(open.clone())
        .build();
    let builder = Instrumenter::builder().tracer_provider(&provider);
    let trace = RumTraceClient::from_builder(builder).expect("settings are right");
    let client = Client::builder().wrap(trace).finish();
    let url = format!("http://{}/", nobody());
    let outcomes = RefCell::new(HashMap::<bool, u32>::new());
    for round in 0..300 {
        let mut sent = client.get(&url).send();
        let is_refused = if round % 3 == 0 {
            // Given up after one look.
            let look = std::future::poll_fn(|cx| {
                let polled = std::pin::Pin::new(&mut sent).poll(cx);
                Poll::Ready(matches!(polled, Poll::Ready(Err(_))))
            });
            look.await
        } else {
            in_time(sent).await.is_err()
        };
        *outcomes.borrow_mut().entry(is_refused).or_default() += 1;
    }
    rt::task::yield_now().await;
    assert!(outcomes.borrow()[&true] >= 200, "{outcomes:?}");
    assert_eq!(open.started.load(Ordering::SeqCst), 300);
    assert_eq!(open.ended.load(Ordering::SeqCst), 300);
}
