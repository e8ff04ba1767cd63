//! Clients and servers on the loopback interface.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_sdk::trace::SpanData;
use rum_trace_core::{Instrumenter, InstrumenterBuilder, RequestInfo};
use rum_trace_tower::client::{ResponseBody, RumTraceClient, RumTraceClientLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::{Layer, Service, ServiceExt};

use crate::support::{RUM, Server, Spans, TRACEPARENT, attributes};

pub(crate) type Hyper = Client<HttpConnector, Empty<Bytes>>;
pub(crate) type Answer = Response<ResponseBody<hyper::body::Incoming>>;
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, future)
        .await
        .expect("in time")
}

pub(crate) fn hyper() -> Hyper {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) fn instrumenter(
    spans: &Spans,
    set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
) -> Instrumenter {
    let builder = Instrumenter::builder().tracer_provider(spans.provider());
    set(builder).build().expect("settings are right")
}

/// A client whose requests are made while a phone's request is served.
pub(crate) struct Caller {
    pub(crate) spans: Spans,
    pub(crate) instrumenter: Instrumenter,
    pub(crate) client: RumTraceClient<Hyper>,
}

impl Caller {
    pub(crate) fn new() -> Self {
        Caller::with(|builder| builder)
    }

    pub(crate) fn with(set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder) -> Self {
        let spans = Spans::new();
        let instrumenter = instrumenter(&spans, set);
        let client = RumTraceClientLayer::new(instrumenter.clone()).layer(hyper());
        Caller {
            spans,
            instrumenter,
            client,
        }
    }

    pub(crate) async fn call(&self, request: Request<Empty<Bytes>>) -> Result<Answer, BoxError> {
        within(&self.instrumenter, self.client.clone(), request).await
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Answer, BoxError> {
        let request = Request::get(url).body(Empty::new()).expect("a request");
        self.call(request).await
    }

    /// The one CLIENT span: that of the phone's request has ended too.
    pub(crate) async fn span(&self) -> SpanData {
        let mut spans = self.spans.wait_for(2).await;
        spans.retain(is_client);
        assert_eq!(spans.len(), 1, "{spans:#?}");
        spans.remove(0)
    }
}

pub(crate) fn is_client(span: &SpanData) -> bool {
    span.span_kind == opentelemetry::trace::SpanKind::Client
}

/// Makes a request while a phone's request is served.
pub(crate) async fn within<S, Q, R>(
    instrumenter: &Instrumenter,
    client: S,
    request: Request<Q>,
) -> Result<R, BoxError>
where
    S: Service<Request<Q>, Response = R, Error = BoxError>,
{
    let mut active = instrumenter.start(&FromPhone);
    let outcome = {
        let cx = active.context().clone();
        let mut sent = Box::pin(client.oneshot(request));
        let within = std::future::poll_fn(move |task| {
            let _active = cx.clone().attach();
            sent.as_mut().poll(task)
        });
        in_time(within).await
    };
    active.on_response(&200);
    active.finish();
    outcome
}

/// A request with a session, as a phone sends it.
struct FromPhone;

impl RequestInfo for FromPhone {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/checkout"
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit("traceparent", TRACEPARENT.as_bytes());
        visit("tracestate", RUM.as_bytes());
    }
}

pub(crate) async fn text(answer: Answer) -> String {
    let body = in_time(answer.into_body().collect()).await.expect("a body");
    String::from_utf8(body.to_bytes().to_vec()).expect("text")
}

pub(crate) fn attribute(span: &SpanData, name: &str) -> Option<String> {
    attributes(span).remove(name)
}

/// Answers with the headers that it got, a line each.
pub(crate) async fn echo(headers: HeaderMap) -> String {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}\n", value.to_str().expect("text"))
    };
    headers.iter().map(line).collect()
}

pub(crate) async fn echo_server() -> Server {
    Server::start(Router::new().fallback(echo)).await
}

/// A server that does one thing with each connection, once its request's head is read.
pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl RawServer {
    pub(crate) async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                read_head(&mut stream).await;
                tokio::spawn(serve(stream));
            }
        });
        RawServer { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/items/42", self.address)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}

/// Sends this, and resets the connection instead of closing it.
pub(crate) async fn send_and_reset(mut stream: TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("sent");
    stream.flush().await.expect("sent");
    stream.set_zero_linger().expect("lingers not");
}

/// A stream of a function, since there is no crate for it here.
pub(crate) fn futures_core_stream<T>(
    poll: impl FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<T>>,
) -> impl futures_core::Stream<Item = T> {
    struct Stream<F>(F);
    impl<T, F> futures_core::Stream for Stream<F>
    where
        F: FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<T>> + Unpin,
    {
        type Item = T;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<T>> {
            (self.0)(cx)
        }
    }
    Stream(Box::new(poll))
}
