//! What Collectors send to in the end: it takes OTLP over gRPC, and keeps the spans.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status, async_trait};

/// A receiver on a free port of 127.0.0.1, in a thread of its own; it stops when this is
/// dropped.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    spans: Spans,
    _stop: oneshot::Sender<()>,
}

#[derive(Clone, Debug, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

impl Backend {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket can be");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let spans = Spans::default();
        // The Collector's exporters compress unless told otherwise.
        let service = TraceServiceServer::new(spans.clone());
        let service = service.accept_compressed(CompressionEncoding::Gzip);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().expect("a runtime");
            runtime.block_on(serve(listener, service, stopped));
        });
        Backend {
            address,
            spans,
            _stop: stop,
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that it received.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let spans = self.spans.0.lock();
        spans.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(
    listener: std::net::TcpListener,
    service: TraceServiceServer<Spans>,
    stopped: oneshot::Receiver<()>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::select! {
        served = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            served.expect("the server serves until it is stopped");
        }
        // What is under way goes with the runtime.
        _ = stopped => {}
    }
}

#[async_trait]
impl TraceService for Spans {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spans.extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
