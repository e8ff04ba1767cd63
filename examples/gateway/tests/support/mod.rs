//! What the tests share: a gateway between a client and an upstream.
#![allow(dead_code, reason = "each test uses its part")]

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use gateway::Gateway;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rum_trace::{Instrumenter, InstrumenterBuilder};
use rum_trace_testing::{Collector, PhoneRequest};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Hyper = Client<HttpConnector, BoxBody<Bytes, std::convert::Infallible>>;

pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

/// A gateway on a free port of the loopback interface, and its collector.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) collector: Collector,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub(crate) async fn to(upstream: &str) -> Self {
        Running::with(upstream, PATIENCE, |builder| builder).await
    }

    pub(crate) async fn with(
        upstream: &str,
        timeout: Duration,
        set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        let collector = Collector::new().with_deadline(PATIENCE);
        let builder = Instrumenter::builder().tracer_provider(&collector.tracer_provider());
        let instrumenter = set(builder).build().expect("settings are right");
        let upstream = upstream.parse().expect("an upstream");
        let gateway = Gateway::new(instrumenter, upstream, timeout);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let task = tokio::spawn(gateway.serve(listener, stopped));
        Running {
            address,
            collector,
            stop: Some(stop),
            task,
        }
    }

    /// A phone's request, without a body.
    pub(crate) async fn tap(&self, tap: &PhoneRequest) -> Response<Incoming> {
        let request = self.request(tap, "/items/42").body(Empty::new().boxed());
        let answer = client().request(request.expect("a request"));
        in_time(answer).await.expect("an answer")
    }

    pub(crate) fn request(&self, tap: &PhoneRequest, path: &str) -> http::request::Builder {
        let request = Request::builder()
            .method(tap.method())
            .uri(format!("http://{}{path}", self.address));
        tap.headers()
            .iter()
            .fold(request, |request, (name, value)| {
                request.header(*name, value)
            })
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn close(mut self) {
        let stop = self.stop.take().expect("still open");
        stop.send(()).expect("still serving");
        in_time(&mut self.task)
            .await
            .expect("no panic")
            .expect("no error");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn client() -> Hyper {
    Client::builder(TokioExecutor::new()).build_http()
}

/// An axum service on a free port.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start(app: axum::Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Upstream { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn text(answer: Response<Incoming>) -> String {
    let body = in_time(answer.into_body().collect()).await.expect("a body");
    String::from_utf8(body.to_bytes().to_vec()).expect("text")
}
