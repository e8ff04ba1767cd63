//! Services that do not answer as they should: each ends the span, with a reason.

use std::future::pending;
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Empty};
use opentelemetry::trace::Status;
use rum_trace_tower::client::RumTraceClientLayer;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tower::{Layer, ServiceBuilder, ServiceExt};

use crate::support::{Spans, attributes};
use crate::wire::*;

const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";

/// The error of the CLIENT span, which has its status too.
async fn error_of(caller: &Caller) -> Option<String> {
    let span = caller.span().await;
    let error = attribute(&span, "error.type");
    assert_eq!(matches!(span.status, Status::Error { .. }), error.is_some());
    error
}

#[tokio::test]
async fn connections_that_break() {
    let caller = Caller::new();
    let server = RawServer::start(|stream| send_and_reset(stream, "")).await;
    caller.get(&server.url()).await.expect_err("reset");
    assert_eq!(error_of(&caller).await.as_deref(), Some("connection_reset"));

    let caller = Caller::new();
    let server = RawServer::start(|stream| async { drop(stream) }).await;
    caller.get(&server.url()).await.expect_err("closed");
    assert_eq!(
        error_of(&caller).await.as_deref(),
        Some("connection_closed")
    );

    let caller = Caller::new();
    let garbage = |mut stream: tokio::net::TcpStream| async move {
        stream
            .write_all(b"SSH-2.0-none\r\n\r\n")
            .await
            .expect("sent");
        pending::<()>().await;
    };
    let server = RawServer::start(garbage).await;
    caller.get(&server.url()).await.expect_err("no HTTP");
    assert_eq!(error_of(&caller).await.as_deref(), Some("_OTHER"));
}

#[tokio::test]
async fn bodies_that_break() {
    let caller = Caller::new();
    let (reset, wait) = oneshot::channel::<()>();
    let wait = std::sync::Mutex::new(Some(wait));
    let server = RawServer::start(move |mut stream| {
        let wait = wait.lock().expect("a lock").take();
        async move {
            stream.write_all(HALF.as_bytes()).await.expect("sent");
            // Not before the head was read: a reset overtakes what was sent.
            let _ = wait.expect("one connection").await;
            send_and_reset(stream, "").await;
        }
    })
    .await;
    let answer = caller.get(&server.url()).await.expect("a head");
    reset.send(()).expect("the server waits");
    in_time(answer.into_body().collect())
        .await
        .expect_err("reset");
    assert_eq!(error_of(&caller).await.as_deref(), Some("connection_reset"));

    let caller = Caller::new();
    let server = RawServer::start(|mut stream| async move {
        stream.write_all(HALF.as_bytes()).await.expect("sent");
    })
    .await;
    let answer = caller.get(&server.url()).await.expect("a head");
    in_time(answer.into_body().collect())
        .await
        .expect_err("closed");
    assert_eq!(
        error_of(&caller).await.as_deref(),
        Some("connection_closed")
    );
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_no_error() {
    let caller = Caller::new();
    let server = RawServer::start(|mut stream| async move {
        stream.write_all(HALF.as_bytes()).await.expect("sent");
        pending::<()>().await;
    })
    .await;
    drop(caller.get(&server.url()).await.expect("a head"));
    assert_eq!(error_of(&caller).await, None);
}

#[tokio::test]
async fn an_unreachable_host_leaves_nothing_behind() {
    // A port that is taken, and on which nobody listens.
    let nobody = TcpSocket::new_v4().expect("a socket");
    nobody
        .bind(([127, 0, 0, 1], 0).into())
        .expect("a free port");
    let url = format!("http://{}/", nobody.local_addr().expect("an address"));
    let spans = Spans::new();
    let instrumenter = instrumenter(&spans, |builder| builder);
    let client = RumTraceClientLayer::new(instrumenter.clone()).layer(hyper());
    for _ in 0..100 {
        let request = Request::get(&url).body(Empty::new()).expect("a request");
        in_time(client.clone().oneshot(request))
            .await
            .expect_err("refused");
    }
    for span in spans.wait_for(100).await {
        assert_eq!(attributes(&span)["error.type"], "connection_refused");
    }
}

#[tokio::test]
async fn a_service_that_never_answers() {
    let server = RawServer::start(|stream| async move {
        let _open = stream;
        pending::<()>().await;
    })
    .await;
    let limit = tower::timeout::TimeoutLayer::new(Duration::from_millis(50));
    let request = || {
        Request::get(server.url())
            .body(Empty::new())
            .expect("a request")
    };
    let spans = Spans::new();
    let instrumenter = instrumenter(&spans, |builder| builder);
    let layer = RumTraceClientLayer::new(instrumenter.clone());
    // Inside of the layer, which knows of it then.
    let client = ServiceBuilder::new()
        .layer(layer.clone())
        .layer(limit.clone())
        .service(hyper());
    let answer = within(&instrumenter, client, request()).await;
    answer.map(drop).expect_err("too late");
    assert_eq!(error_of_call(&spans).await, "timeout");
    spans.reset();
    // Outside of it: all that it knows is that nobody waits any more.
    let client = ServiceBuilder::new()
        .layer(limit)
        .layer(layer)
        .service(hyper());
    let answer = within(&instrumenter, client, request()).await;
    answer.map(drop).expect_err("too late");
    assert_eq!(error_of_call(&spans).await, "cancelled");
}

async fn error_of_call(spans: &Spans) -> String {
    let ended = spans.wait_for(2).await;
    let span = ended.iter().find(|span| is_client(span));
    attributes(span.expect("a span"))["error.type"].clone()
}

#[tokio::test]
async fn a_late_answer_is_an_answer() {
    let (answer, wait) = oneshot::channel::<()>();
    let wait = std::sync::Mutex::new(Some(wait));
    let server = RawServer::start(move |mut stream| {
        let wait = wait.lock().expect("a lock").take();
        async move {
            let _ = wait.expect("one connection").await;
            let late = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate";
            stream.write_all(late).await.expect("sent");
        }
    })
    .await;
    let caller = Caller::new();
    let url = server.url();
    let mut call = Box::pin(caller.get(&url));
    tokio::select! {
        biased;
        _ = &mut call => panic!("nobody has answered"),
        () = tokio::task::yield_now() => {}
    }
    assert!(caller.spans.all().is_empty(), "the call is not over");
    answer.send(()).expect("the server waits");
    assert_eq!(text(call.await.expect("an answer")).await, "late");
    assert_eq!(error_of(&caller).await, None);
}

#[tokio::test]
async fn a_request_that_is_cancelled_ends_its_calls() {
    let (asked, is_asked) = oneshot::channel::<()>();
    let asked = std::sync::Mutex::new(Some(asked));
    let server = RawServer::start(move |stream| {
        let asked = asked.lock().expect("a lock").take();
        async move {
            let _open = stream;
            asked
                .expect("one connection")
                .send(())
                .expect("the test waits");
            pending::<()>().await;
        }
    })
    .await;
    let caller = Caller::new();
    let url = server.url();
    tokio::select! {
        _ = caller.get(&url) => panic!("nobody answers"),
        asked = in_time(is_asked) => asked.expect("asked"),
    }
    // The phone's request was dropped with its call.
    let ended = caller.spans.wait_for(2).await;
    let errors: Vec<_> = ended
        .iter()
        .map(|span| attributes(span)["error.type"].clone())
        .collect();
    assert_eq!(errors, ["cancelled", "client_disconnected"]);
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_reset(h2::Reason::INTERNAL_ERROR);
        }
    });
    let spans = Spans::new();
    let instrumenter = instrumenter(&spans, |builder| builder);
    let client: Hyper =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
            .http2_only(true)
            .build_http();
    let client = RumTraceClientLayer::new(instrumenter).layer(client);
    let request = Request::get(&url).body(Empty::new()).expect("a request");
    in_time(client.oneshot(request)).await.expect_err("reset");
    assert_eq!(
        attributes(&spans.one().await)["error.type"],
        "connection_reset"
    );
    server.abort();
}

#[tokio::test]
async fn a_connection_of_http2_that_breaks_in_a_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let (reset, wait) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let stream = stream.into_std().expect("a socket");
        let socket = stream.try_clone().expect("a socket");
        let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
        let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
        let (_, mut respond) = connection.accept().await.expect("a request").expect("one");
        let head = http::Response::new(());
        let mut body = respond.send_response(head, false).expect("sent");
        body.send_data("half".into(), false).expect("sent");
        tokio::select! {
            _ = connection.accept() => panic!("there is but one request"),
            head_was_read = wait => head_was_read.expect("the test waits"),
        }
        let socket = tokio::net::TcpStream::from_std(socket).expect("a socket");
        socket.set_zero_linger().expect("lingers not");
        // Closed without a word of HTTP/2: both descriptors at once.
        std::mem::forget((body, respond));
        drop((socket, connection));
    });
    let spans = Spans::new();
    let instrumenter = instrumenter(&spans, |builder| builder);
    let client: Hyper =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
            .http2_only(true)
            .build_http();
    let client = RumTraceClientLayer::new(instrumenter).layer(client);
    let request = Request::get(&url).body(Empty::new()).expect("a request");
    let answer = in_time(client.oneshot(request)).await.expect("a head");
    reset.send(()).expect("the server waits");
    in_time(answer.into_body().collect())
        .await
        .expect_err("reset");
    let span = spans.one().await;
    assert_eq!(attributes(&span)["error.type"], "connection_reset");
    in_time(server).await.expect("no panic");
}

#[tokio::test]
async fn a_request_whose_body_breaks_is_nobody_elses_fault() {
    let server = echo_server().await;
    let spans = Spans::new();
    let instrumenter = instrumenter(&spans, |builder| builder);
    let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let mut frames = vec![Err(broken()), Ok(hyper::body::Frame::data("x".into()))];
    let frames = futures_core_stream(move |_| std::task::Poll::Ready(frames.pop()));
    let body = http_body_util::StreamBody::new(frames);
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new());
    let client = client.build_http::<http_body_util::combinators::BoxBody<bytes::Bytes, _>>();
    let client = RumTraceClientLayer::new(instrumenter).layer(client);
    let url = format!("http://{}/", server.address);
    let request = Request::post(url).body(BodyExt::boxed(body));
    let outcome = in_time(client.oneshot(request.expect("a request"))).await;
    outcome.map(drop).expect_err("a broken body");
    let span = spans.one().await;
    assert_eq!(attributes(&span)["error.type"], "request_body_error");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_cancelled() {
    let caller = Caller::new();
    let server = RawServer::start(|mut stream| async move {
        stream.write_all(HALF.as_bytes()).await.expect("sent");
        pending::<()>().await;
    })
    .await;
    let answer = caller.get(&server.url()).await.expect("a head");
    let mut body = answer.into_body();
    in_time(body.frame()).await.expect("a frame").expect("data");
    tokio::select! {
        biased;
        _ = body.frame() => panic!("there is no more"),
        () = tokio::task::yield_now() => {}
    }
    drop(body);
    assert_eq!(error_of(&caller).await.as_deref(), Some("cancelled"));
}

#[tokio::test]
async fn a_list_too_long_to_send_goes_cut_by_the_rules() {
    let server = echo_server().await;
    let spans = Spans::new();
    let instrumenter = instrumenter(&spans, |builder| builder);
    let value = "v".repeat(256);
    let list: Vec<_> = (0..32).map(|key| format!("key{key:02}={value}")).collect();
    let inbound = Long(list.join(","));
    let active = instrumenter.start(&inbound);
    let url = format!("http://{}/", server.address);
    let mut request = Request::get(&url).body(Empty::new()).expect("a request");
    request.extensions_mut().insert(active.context().clone());
    let client = RumTraceClientLayer::new(instrumenter.clone()).layer(hyper());
    let answer = in_time(client.oneshot(request)).await.expect("an answer");
    let headers = text(answer).await;
    let sent = headers
        .lines()
        .find_map(|line| line.strip_prefix("tracestate: "));
    let sent = sent.expect("a list");
    assert!(
        sent.len() <= 8_000 && inbound.0.len() > 8_000,
        "{}",
        sent.len()
    );
    // Whole members, those to the left, in their order.
    let members: Vec<_> = sent.split(',').collect();
    assert_eq!(members, list[..members.len()]);
    assert!(members.len() >= 30, "{}", members.len());
}

struct Long(String);

impl rum_trace_core::RequestInfo for Long {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit("traceparent", crate::support::TRACEPARENT.as_bytes());
        visit("tracestate", self.0.as_bytes());
    }
}
