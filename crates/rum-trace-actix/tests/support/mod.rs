//! What the tests share: a middleware whose spans can be seen, and raw HTTP/1.1.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test uses its part"
)]

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{App, HttpServer, rt};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use rum_trace_actix::RumTrace;
use rum_trace_core::{Instrumenter, InstrumenterBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
pub const RUM: &str = "rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1";

#[derive(Clone)]
pub struct Spans {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
}

impl Spans {
    pub fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        Spans { exporter, provider }
    }

    pub fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    pub fn trace(&self) -> RumTrace {
        self.trace_with(|builder| builder)
    }

    pub fn trace_with(
        &self,
        set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> RumTrace {
        let builder = set(Instrumenter::builder().tracer_provider(&self.provider));
        RumTrace::from_builder(builder).expect("settings are right")
    }

    pub fn all(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().expect("spans")
    }

    /// The one span, which may end a little after the response was read.
    pub async fn one(&self) -> SpanData {
        let mut spans = self.wait_for(1).await;
        self.exporter.reset();
        spans.remove(0)
    }

    pub fn reset(&self) {
        self.exporter.reset();
    }

    pub async fn wait_for(&self, count: usize) -> Vec<SpanData> {
        let spans = async {
            loop {
                let spans = self.all();
                if spans.len() >= count {
                    break spans;
                }
                rt::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let spans = rt::time::timeout(PATIENCE, spans).await;
        let spans = spans.unwrap_or_else(|_| panic!("{count} spans, got {:#?}", self.all()));
        assert_eq!(spans.len(), count, "{spans:#?}");
        spans
    }
}

pub fn attributes(span: &SpanData) -> HashMap<String, String> {
    span.attributes
        .iter()
        .map(|kv| (kv.key.to_string(), kv.value.to_string()))
        .collect()
}

/// A server on a free port of the loopback interface, stopped when dropped.
pub struct Server {
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    /// Services under the middleware, in a server set up as the README says.
    pub fn start(
        trace: RumTrace,
        configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = move || App::new().configure(configure.clone()).wrap(trace.clone());
        let server = HttpServer::new(app)
            .h1_allow_half_closed(false)
            .workers(1)
            .disable_signals()
            .listen(listener)
            .expect("listens")
            .run();
        let handle = server.handle();
        rt::spawn(server);
        Server { address, handle }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// Sends a raw request and reads until the server closes.
    pub async fn send(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut response = Vec::new();
        let read = rt::time::timeout(PATIENCE, stream.read_to_end(&mut response)).await;
        read.expect("in time").expect("read");
        String::from_utf8_lossy(&response).into_owned()
    }

    /// A request for a path, with header lines.
    pub async fn request(&self, method: &str, path: &str, headers: &[&str]) -> String {
        let headers: String = headers.iter().flat_map(|line| [line, "\r\n"]).collect();
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nhost: shop.example:8080\r\nconnection: close\r\n{headers}\r\n"
        ))
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The command is sent at once; nobody needs to wait for the end.
        drop(self.handle.stop(false));
    }
}

/// A stream of ready items, and then its end.
pub struct Items<I>(pub I);

impl<I: Iterator + Unpin> futures_core::Stream for Items<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}

/// A body's chunks, none of which fails.
pub fn chunks<const N: usize>(
    chunks: [&'static str; N],
) -> Items<impl Iterator<Item = std::io::Result<Bytes>> + Unpin> {
    let chunk = |chunk: &'static str| Ok(Bytes::from_static(chunk.as_bytes()));
    Items(chunks.into_iter().map(chunk))
}
