//! A reverse proxy: each request goes on to one upstream, its body as it comes, and
//! so does the answer, trailers included. Its spans stand between the phone's tap and the
//! upstream's: SERVER for what came, CLIENT for what went on.

mod fields;
mod forward;
mod upstream;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rum_trace::Instrumenter;
use rum_trace::tower::RumTraceLayer;
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;

use crate::forward::Forward;
pub use crate::upstream::{InvalidUpstream, Upstream};

/// The proxy.
#[derive(Clone, Debug)]
pub struct Gateway {
    server: RumTraceLayer,
    forward: Forward,
}

impl Gateway {
    /// A proxy to this upstream, which has as long to begin its answer.
    pub fn new(instrumenter: Instrumenter, upstream: Upstream, timeout: Duration) -> Self {
        Gateway {
            server: RumTraceLayer::new(instrumenter.clone()),
            forward: Forward::new(instrumenter, upstream, timeout),
        }
    }

    /// Serves HTTP/1 and HTTP/2 until `stop` is ready and the requests under way are
    /// answered.
    ///
    /// # Errors
    ///
    /// When the listener fails for good.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.serve_connection(stream, peer, &graceful),
                    // The connection's own misfortune, or no descriptor left: later.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
            }
        }
        drop(listener);
        graceful.shutdown().await;
        Ok(())
    }

    fn serve_connection(&self, stream: TcpStream, peer: SocketAddr, graceful: &GracefulShutdown) {
        // With the peer's address the spans have client.address.
        let service = self.server.layer(self.forward.clone().with_peer(peer));
        let service =
            tower::util::MapRequest::new(service, move |mut request: http::Request<_>| {
                request.extensions_mut().insert(peer);
                request
            });
        let builder = Builder::new(TokioExecutor::new());
        let connection = builder
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .into_owned();
        let connection = graceful.watch(connection);
        // How a connection ends is told by the spans of its requests.
        tokio::spawn(async move { drop(connection.await) });
    }
}
