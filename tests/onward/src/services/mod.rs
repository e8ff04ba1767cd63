//! The services, each on a free port of the loopback interface.

pub mod first;
pub mod last;
pub mod middle;
pub mod stranger;

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::telemetry::OWN_HOST;

/// The item that the last service never tells of.
pub const NEVER: &str = "never";

/// A service on axum, which stops when this is dropped.
#[derive(Debug)]
pub struct Axum {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Axum {
    /// Serves.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn start(app: Router) -> Self {
        let listener = TcpListener::bind((OWN_HOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Axum { address, task }
    }
}

impl Drop for Axum {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The headers of an `http` request, as bytes.
fn pairs(headers: &axum::http::HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    let pairs = headers.iter();
    pairs.map(|(name, value)| (name.as_str(), value.as_bytes()))
}
