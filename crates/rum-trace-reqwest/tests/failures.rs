//! Calls that do not complete: each kind is told apart, and no span is left open.

mod support;

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next};
use rum_trace_reqwest::RumTraceMiddleware;
use support::{Harness, RawServer, in_time, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Short for a client, and no limit for a test.
const SOON: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug)]
enum End {
    /// Nothing more comes.
    Silence,
    /// The connection is closed.
    Close,
    /// It is reset.
    Reset,
}

async fn end(mut stream: TcpStream, end: End) {
    match end {
        End::Silence => pending().await,
        End::Close => {
            stream.shutdown().await.expect("shut down");
            // Until the client is gone, so that nothing of it is reset.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        End::Reset => stream.set_zero_linger().expect("a socket"),
    }
}

/// Writes this after a request's head, waits to be told, and ends so.
async fn server(written: &'static [u8], how: End) -> RawServer {
    RawServer::start(move |mut stream| async move {
        stream.write_all(written).await.expect("written");
        end(stream, how).await;
    })
    .await
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf ";
const CHUNK: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf \r\n";

const NO_HTTP: &[u8] = b"not HTTP\r\n\r\n";
const NO_GZIP: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope";

#[tokio::test]
async fn how_calls_fail() {
    // what is written, how it ends; status, error.type
    let table: [(&[u8], End, Option<&str>, &str); 10] = [
        (b"", End::Silence, None, "timeout"),
        (b"HTTP/1.1 200", End::Silence, None, "timeout"),
        (b"", End::Close, None, "connection_closed"),
        (b"HTTP/1.1 200", End::Close, None, "connection_closed"),
        (HEAD, End::Close, Some("200"), "connection_closed"),
        (CHUNK, End::Close, Some("200"), "connection_closed"),
        (b"", End::Reset, None, "connection_reset"),
        (b"HTTP/1.1 200", End::Reset, None, "connection_reset"),
        (NO_HTTP, End::Close, None, "_OTHER"),
        (NO_GZIP, End::Close, Some("200"), "response_body_error"),
    ];
    for (written, how, status, error) in table {
        let case = format!("{:?} {how:?}", String::from_utf8_lossy(written));
        let harness = Harness::new();
        let server = server(written, how).await;
        let request = harness.client(server.address).get(server.url());
        let request = match how {
            End::Silence => request.timeout(SOON),
            End::Close | End::Reset => request,
        };
        let failed = match in_time(request.send()).await {
            Ok(response) => in_time(response.bytes()).await.is_err(),
            Err(_) => true,
        };
        assert!(failed, "{case}");
        assert_failed(&harness.one(), status, error, &case);
    }
}

fn assert_failed(span: &SpanData, status: Option<&str>, error: &str, case: &str) {
    assert_eq!(text(span, "error.type").as_deref(), Some(error), "{case}");
    let found = text(span, "http.response.status_code");
    assert_eq!(found.as_deref(), status, "{case}");
    assert!(matches!(span.status, Status::Error { .. }), "{case}");
}

/// The clock stands still from the response's head on, and then jumps.
#[tokio::test]
async fn a_body_that_is_late() {
    for written in [HEAD, CHUNK] {
        let harness = Harness::new();
        let server = server(written, End::Silence).await;
        let request = harness.client(server.address).get(server.url());
        let request = request.timeout(support::PATIENCE / 2);
        let response = in_time(request.send()).await.expect("a response");
        tokio::time::pause();
        tokio::time::advance(support::PATIENCE / 2).await;
        let error = in_time(response.bytes()).await.expect_err("late");
        tokio::time::resume();
        assert!(error.is_timeout(), "{error:?}");
        assert_failed(&harness.one(), Some("200"), "timeout", "late");
    }
}

/// The reset comes when the first part was read: one that comes before may
/// overtake it.
#[tokio::test]
async fn a_reset_within_the_body() {
    for written in [HEAD, CHUNK] {
        let harness = Harness::new();
        let go = std::sync::Arc::new(tokio::sync::Notify::new());
        let told = go.clone();
        let server = RawServer::start(move |mut stream| {
            let told = told.clone();
            async move {
                stream.write_all(written).await.expect("written");
                told.notified().await;
                end(stream, End::Reset).await;
            }
        })
        .await;
        let request = harness.client(server.address).get(server.url());
        let mut response = in_time(request.send()).await.expect("a response");
        let part = in_time(response.chunk()).await.expect("a part");
        assert_eq!(part.as_deref(), Some(&b"half "[..]));
        go.notify_one();
        in_time(response.chunk()).await.expect_err("reset");
        let error = text(&harness.one(), "error.type");
        assert_eq!(error.as_deref(), Some("connection_reset"));
    }
}

/// A port that is taken, and on which nobody listens.
fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(any).expect("a free port");
    let address = socket.local_addr().expect("an address");
    (socket, address)
}

#[tokio::test]
async fn an_unreachable_host_leaves_nothing_behind() {
    let harness = Harness::new();
    let (_taken, nobody) = nobody();
    let client = harness.client(nobody);
    for _ in 0..200 {
        let error = in_time(client.get(format!("http://{nobody}/")).send()).await;
        assert!(error.expect_err("refused").is_connect());
    }
    let spans = harness.spans();
    assert_eq!(spans.len(), 200);
    for span in spans {
        assert_failed(&span, None, "connection_refused", "refused");
    }
    assert_eq!(harness.instrumenter.stats().calls_traced, 200);
}

struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("no such name".into()) })
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_and_a_url_that_nobody_can_ask() {
    let harness = Harness::new();
    let http = reqwest::Client::builder().no_proxy().dns_resolver(NoNames);
    let client = rum_trace_reqwest::client(http, harness.instrumenter.clone());
    let client = client.expect("a client");
    let request = client.get("http://nowhere.example/");
    in_time(request.send()).await.expect_err("unknown");
    assert_failed(&harness.one(), None, "connect_error", "unknown");
    let request = client.get("ftp://127.0.0.1/");
    in_time(request.send()).await.expect_err("not HTTP");
    assert_failed(&harness.one(), None, "_OTHER", "not HTTP");
}

#[tokio::test]
async fn a_body_is_cancelled_only_if_it_was_waited_for() {
    for (waits, error) in [(true, Some("cancelled")), (false, None)] {
        let harness = Harness::new();
        let server = server(HEAD, End::Silence).await;
        let sent = harness.client(server.address).get(server.url()).send();
        let mut response = in_time(sent).await.expect("a head");
        let chunk = in_time(response.chunk()).await.expect("a chunk");
        assert_eq!(chunk.as_deref(), Some(&b"half "[..]));
        if waits {
            tokio::select! {
                biased;
                _ = response.chunk() => panic!("there is no more"),
                () = tokio::task::yield_now() => {}
            }
        }
        drop(response);
        let span = harness.one();
        assert_eq!(text(&span, "error.type").as_deref(), error);
    }
}

/// A body that gives a chunk and breaks.
struct Broken(Vec<io::Result<Frame<Bytes>>>);

impl Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.pop())
    }
}

#[tokio::test]
async fn a_request_whose_body_breaks_is_nobody_elses_fault() {
    let harness = Harness::new();
    let server = server(b"", End::Silence).await;
    let reset = io::Error::from(io::ErrorKind::ConnectionReset);
    let frames = vec![Err(reset), Ok(Frame::data(Bytes::from_static(b"x")))];
    let body = reqwest::Body::wrap(Broken(frames));
    let client = harness.client(server.address);
    let sent = client.post(server.url()).body(body).send();
    in_time(sent).await.expect_err("a broken body");
    let span = harness.one();
    let error = text(&span, "error.type");
    assert_eq!(error.as_deref(), Some("request_body_error"));
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled() {
    let harness = Harness::new();
    let (arrived, asked) = tokio::sync::oneshot::channel();
    let arrived = std::sync::Mutex::new(Some(arrived));
    let server = RawServer::start(move |stream| {
        if let Some(arrived) = arrived.lock().expect("no panic").take() {
            let _ = arrived.send(());
        }
        end(stream, End::Silence)
    })
    .await;
    let client = harness.client(server.address);
    let request = tokio::spawn(client.get(server.url()).send());
    in_time(asked).await.expect("it arrived");
    request.abort();
    assert!(in_time(request).await.is_err_and(|it| it.is_cancelled()));
    assert_eq!(
        text(&harness.one(), "error.type").as_deref(),
        Some("cancelled")
    );

    // And one that was never polled never was.
    drop(client.get(server.url()).send());
    assert!(harness.spans().is_empty());
}

/// What a middleware further in makes of a call.
struct Fails(fn() -> Error);

#[async_trait::async_trait]
impl Middleware for Fails {
    async fn handle(
        &self,
        _: Request,
        _: &mut http::Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        Err((self.0)())
    }
}

#[tokio::test]
async fn the_errors_of_middlewares_further_in() {
    let table: [(fn() -> Error, &str); 3] = [
        (|| Error::middleware(std::fmt::Error), "_OTHER"),
        (
            || Error::middleware(io::Error::from(io::ErrorKind::TimedOut)),
            "timeout",
        ),
        (
            || {
                let inner = io::Error::from(io::ErrorKind::ConnectionReset);
                Error::middleware(Error::middleware(inner))
            },
            "connection_reset",
        ),
    ];
    for (fails, expected) in table {
        let harness = Harness::new();
        let client = ClientBuilder::new(reqwest::Client::new())
            .with(RumTraceMiddleware::new(harness.instrumenter.clone()))
            .with(Fails(fails))
            .build();
        in_time(client.get("http://127.0.0.1/").send())
            .await
            .expect_err("fails");
        let error = text(&harness.one(), "error.type");
        assert_eq!(error.as_deref(), Some(expected));
    }
}

/// A retry that hides in one span: its last error is what the span tells.
#[tokio::test]
async fn an_error_of_reqwest_that_a_middleware_wrapped() {
    use reqwest_retry::RetryTransientMiddleware;
    use reqwest_retry::policies::ExponentialBackoff;

    let harness = Harness::new();
    let server = server(b"", End::Silence).await;
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(1), Duration::from_millis(1))
        .build_with_max_retries(1);
    let client = ClientBuilder::from_client(harness.client(server.address))
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .build();
    let request = client.get(server.url()).timeout(SOON);
    let error = in_time(request.send()).await.expect_err("late");
    assert!(error.is_middleware());
    assert_eq!(
        text(&harness.one(), "error.type").as_deref(),
        Some("timeout")
    );
}
