//! A collector that fails on purpose, on a real socket.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tokio::runtime::Runtime;

/// What it got. The requests are only looked into when all is over, so that the
/// collector takes little of the machine while the services are measured.
#[derive(Debug, Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Bytes>>>);

/// A collector that can go away and come back on the same port.
#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    inbox: Inbox,
    delay: Duration,
    running: Option<Runtime>,
}

/// Spans that arrived.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Received {
    /// Each counted once.
    pub(crate) spans: u64,
    /// Those that came again.
    pub(crate) repeated: u64,
}

impl Collector {
    /// Reserves a port; nobody listens there yet. Each request will be answered
    /// after `delay`.
    pub(crate) fn new(delay: Duration) -> std::io::Result<Self> {
        let reserved = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Collector {
            address: reserved.local_addr()?,
            inbox: Inbox::default(),
            delay,
            running: None,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn come(&mut self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("collector")
            .enable_all()
            .build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind(self.address))?;
        let app = Router::new()
            .route("/v1/traces", post(take))
            .layer(DefaultBodyLimit::disable())
            .with_state((self.inbox.clone(), self.delay));
        runtime.spawn(async { axum::serve(listener, app).await });
        self.running = Some(runtime);
        Ok(())
    }

    /// Closes the port and every connection, requests under way included.
    pub(crate) fn go(&mut self) {
        if let Some(runtime) = self.running.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }

    /// What came so far.
    pub(crate) fn received(&self) -> Received {
        let requests = self.inbox.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ids = HashSet::new();
        let mut received = Received::default();
        for body in requests.iter() {
            // Whatever is no OTLP request holds no spans.
            let Ok(request) = ExportTraceServiceRequest::decode(body.clone()) else {
                continue;
            };
            let scopes = request
                .resource_spans
                .into_iter()
                .flat_map(|it| it.scope_spans);
            for span in scopes.flat_map(|it| it.spans) {
                if ids.insert((span.trace_id, span.span_id)) {
                    received.spans += 1;
                } else {
                    received.repeated += 1;
                }
            }
        }
        received
    }
}

/// Takes a request, and answers when it is time to.
async fn take(State((inbox, delay)): State<(Inbox, Duration)>, body: Bytes) -> &'static str {
    inbox
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(body);
    tokio::time::sleep(delay).await;
    // An empty `ExportTraceServiceResponse`.
    ""
}
