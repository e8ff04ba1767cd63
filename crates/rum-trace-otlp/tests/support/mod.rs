//! A small OTLP collector on a port of its own, and what goes with it.

// Each test binary uses a part of this.
#![allow(dead_code, unreachable_pub)]

pub mod grpc;
pub mod http;
pub mod tls;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::http::HeaderMap;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use rum_trace_loopback::reserved;
use rum_trace_otlp::{Pipeline, PipelineBuilder};

/// For what does not come: it has to pass.
pub const SHORT: Duration = Duration::from_secs(1);

/// Long enough for a slow machine; nothing waits for it to pass.
pub const LONG: Duration = Duration::from_secs(30);

/// All that a collector does, it does on a thread of this name.
pub const COLLECTOR_THREAD: &str = "collector";

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub request: ExportTraceServiceRequest,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn spans(&self) -> Vec<&Span> {
        let scopes = self
            .request
            .resource_spans
            .iter()
            .flat_map(|r| &r.scope_spans);
        scopes.flat_map(|scope| &scope.spans).collect()
    }

    /// A text attribute of the resource.
    pub fn resource(&self, key: &str) -> Option<String> {
        let resource = self.request.resource_spans.first()?.resource.as_ref()?;
        let attribute = resource.attributes.iter().find(|kv| kv.key == key)?;
        match attribute.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => Some(text.clone()),
            other => Some(format!("{other:?}")),
        }
    }
}

/// What a collector received so far.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Arc<Mutex<Vec<Received>>>);

impl Inbox {
    pub fn push(&self, received: Received) {
        self.0.lock().unwrap().push(received);
    }

    pub fn all(&self) -> Vec<Received> {
        self.0.lock().unwrap().clone()
    }

    pub fn only(&self) -> Received {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().unwrap()
    }

    pub fn span_names(&self) -> Vec<String> {
        let all = self.all();
        all.iter()
            .flat_map(Received::spans)
            .map(|span| span.name.clone())
            .collect()
    }
}

/// A server on a thread and runtime of its own, so that it does not matter
/// what the test does with its own. It ends with the value.
pub struct Server {
    pub address: SocketAddr,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Server {
    /// Runs `serve` with a listening socket until the value is dropped.
    /// Port 0 is any free one, which stays ours after that: nobody is found there
    /// but who is started for it.
    pub fn start<F, S>(port: u16, serve: S) -> Self
    where
        S: FnOnce(tokio::net::TcpListener) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let address = match port {
            0 => reserved(),
            port => (Ipv4Addr::LOCALHOST, port).into(),
        };
        let listener = bind(address);
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::Builder::new()
            .name(COLLECTOR_THREAD.to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async move {
                    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                    tokio::select! {
                        () = serve(listener) => {}
                        _ = stopped => {}
                    }
                });
            })
            .unwrap();
        Self {
            address,
            _stop: stop,
        }
    }
}

/// A server that had the port before may need a moment to let it go.
fn bind(address: SocketAddr) -> TcpListener {
    let end = Instant::now() + LONG;
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) => assert!(Instant::now() < end, "{address}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A builder that the developer's own environment cannot disturb.
pub fn builder() -> PipelineBuilder {
    Pipeline::builder()
        .ignore_environment()
        .service_name("shop")
}

/// Ends `count` spans named `span 0`, `span 1`, ….
pub fn spans(pipeline: &Pipeline, count: usize) {
    let tracer = pipeline.tracer_provider().tracer("test");
    for index in 0..count {
        tracer.in_span(format!("span {index}"), |_| {});
    }
}
