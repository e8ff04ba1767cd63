//! A collector that fails on purpose, on a real socket.

use std::collections::HashSet;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::service::Transport;

/// What it got. The requests are only looked into when all is over, so that the
/// collector takes little of the machine while the services are measured.
#[derive(Debug, Clone, Default)]
struct Inbox {
    requests: Arc<Mutex<Vec<Body>>>,
    /// Until each is answered.
    delay: Duration,
}

#[derive(Debug)]
enum Body {
    Plain(Bytes),
    Gzip(Bytes),
    /// As gRPC hands it over.
    Decoded(ExportTraceServiceRequest),
}

/// A collector that can go away and come back on the same port.
#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    inbox: Inbox,
    transport: Transport,
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
    pub(crate) fn new(delay: Duration, transport: Transport) -> Self {
        Collector {
            address: rum_trace_loopback::reserved(),
            inbox: Inbox {
                delay,
                ..Inbox::default()
            },
            transport,
            running: None,
        }
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
        let listener = runtime.block_on(TcpListener::bind(self.address))?;
        let inbox = self.inbox.clone();
        match self.transport {
            Transport::Grpc => drop(runtime.spawn(serve_grpc(listener, inbox))),
            Transport::Http | Transport::HttpGzip => {
                drop(runtime.spawn(serve_http(listener, inbox)));
            }
        }
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
        let requests = &self.inbox.requests;
        let requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ids = HashSet::new();
        let mut received = Received::default();
        for body in requests.iter() {
            // Whatever is no OTLP request holds no spans.
            let Some(request) = body.request() else {
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

impl Body {
    fn request(&self) -> Option<ExportTraceServiceRequest> {
        match self {
            Body::Plain(bytes) => ExportTraceServiceRequest::decode(bytes.clone()).ok(),
            Body::Gzip(bytes) => {
                let mut plain = Vec::new();
                GzDecoder::new(bytes.as_ref())
                    .read_to_end(&mut plain)
                    .ok()?;
                ExportTraceServiceRequest::decode(plain.as_slice()).ok()
            }
            Body::Decoded(request) => Some(request.clone()),
        }
    }
}

impl Inbox {
    /// Takes a request, and is ready when it is time to answer.
    async fn take(&self, body: Body) {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(body);
        tokio::time::sleep(self.delay).await;
    }
}

async fn serve_http(listener: TcpListener, inbox: Inbox) -> std::io::Result<()> {
    let app = Router::new()
        .route("/v1/traces", post(take))
        .layer(DefaultBodyLimit::disable())
        .with_state(inbox);
    axum::serve(listener, app).await
}

async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> &'static str {
    let encoding = headers.get(header::CONTENT_ENCODING);
    let gzip = encoding.is_some_and(|it| it == "gzip");
    let body = if gzip {
        Body::Gzip(body)
    } else {
        Body::Plain(body)
    };
    inbox.take(body).await;
    // An empty `ExportTraceServiceResponse`.
    ""
}

async fn serve_grpc(listener: TcpListener, inbox: Inbox) -> Result<(), tonic::transport::Error> {
    let service = TraceServiceServer::new(inbox).max_decoding_message_size(usize::MAX);
    tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await
}

#[tonic::async_trait]
impl TraceService for Inbox {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(Body::Decoded(request.into_inner())).await;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
