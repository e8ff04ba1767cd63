//! A collector that takes everything and keeps nothing, over both transports.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use super::Transport;
use crate::BoxError;

#[derive(Debug)]
pub(super) struct Sink {
    http: SocketAddr,
    grpc: SocketAddr,
    /// Both servers end with it.
    _runtime: Runtime,
}

impl Sink {
    pub(super) fn start() -> Result<Self, BoxError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listen = || runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let (http, grpc) = (listen()?, listen()?);
        let addresses = (http.local_addr()?, grpc.local_addr()?);
        let app = Router::new()
            .route("/v1/traces", post(|_: Bytes| async { "" }))
            .layer(DefaultBodyLimit::disable());
        runtime.spawn(async { axum::serve(http, app).await });
        let service = TraceServiceServer::new(Nowhere).max_decoding_message_size(usize::MAX);
        let server = tonic::transport::Server::builder().add_service(service);
        runtime.spawn(server.serve_with_incoming(TcpListenerStream::new(grpc)));
        Ok(Sink {
            http: addresses.0,
            grpc: addresses.1,
            _runtime: runtime,
        })
    }

    pub(super) fn url(&self, transport: Transport) -> String {
        match transport {
            Transport::Http => format!("http://{}", self.http),
            Transport::Grpc => format!("http://{}", self.grpc),
        }
    }
}

#[derive(Debug)]
struct Nowhere;

#[tonic::async_trait]
impl TraceService for Nowhere {
    async fn export(
        &self,
        _: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
