//! The collector over gRPC.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::ServerTlsConfig;
use tonic::{Request, Response, Status};

use super::{Inbox, Received, Server};

pub type Reply = Result<ExportTraceServiceResponse, Status>;
type Answer = dyn Fn(usize) -> Reply + Send + Sync;

/// A collector that takes OTLP over gRPC.
pub struct GrpcCollector {
    pub inbox: Inbox,
    server: Server,
    tls: bool,
}

impl GrpcCollector {
    /// Accepts everything.
    pub fn start() -> Self {
        Self::answering(|_| Ok(ExportTraceServiceResponse::default()))
    }

    /// Answers the n-th request, from 0, with `answer(n)`.
    pub fn answering(answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::serving(0, None, answer)
    }

    /// Accepts everything at a port that another collector had.
    pub fn at(port: u16) -> Self {
        Self::serving(port, None, |_| Ok(ExportTraceServiceResponse::default()))
    }

    pub fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// Accepts everything, over TLS.
    pub fn tls(config: ServerTlsConfig) -> Self {
        Self::serving(0, Some(config), |_| {
            Ok(ExportTraceServiceResponse::default())
        })
    }

    fn serving(
        port: u16,
        tls: Option<ServerTlsConfig>,
        answer: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let inbox = Inbox::default();
        let with_tls = tls.is_some();
        let service = TraceServiceServer::new(Service {
            inbox: inbox.clone(),
            count: AtomicUsize::new(0),
            answer: Arc::new(answer),
        })
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
        let server = Server::start(port, move |listener| async move {
            let mut server = tonic::transport::Server::builder();
            if let Some(tls) = tls {
                server = server.tls_config(tls).unwrap();
            }
            server
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .unwrap();
        });
        Self {
            inbox,
            server,
            tls: with_tls,
        }
    }

    /// `http://127.0.0.1:PORT`, or with https and the name `localhost`.
    pub fn url(&self) -> String {
        let port = self.port();
        if self.tls {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        }
    }
}

struct Service {
    inbox: Inbox,
    count: AtomicUsize,
    answer: Arc<Answer>,
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let index = self.count.fetch_add(1, Ordering::SeqCst);
        let (metadata, _, message) = request.into_parts();
        self.inbox.push(Received {
            path: String::new(),
            headers: metadata.into_headers(),
            request: message,
        });
        (self.answer)(index).map(Response::new)
    }
}
