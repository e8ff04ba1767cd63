//! A site, served.

mod actix;
mod axum;
mod connection;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

pub use self::actix::on_actix;
pub use self::axum::on_axum;
pub use self::connection::Connection;

use crate::{Answer, Site, Tap};

/// What `/slow/{id}` takes at least.
pub(crate) const SLOW: Duration = Duration::from_millis(20);

/// A site without sockets, behind its layer.
pub trait InProcess {
    /// Sends a request, and waits for the whole answer.
    fn call(&self, tap: &Tap) -> impl Future<Output = Answer>;
}

/// A framework with an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum on hyper, with `rum-trace-tower`.
    Axum,
    /// actix-web, with `rum-trace-actix`.
    Actix,
}

impl Framework {
    /// All of them.
    pub const ALL: [Framework; 2] = [Framework::Axum, Framework::Actix];
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framework::Axum => "axum",
            Framework::Actix => "actix",
        })
    }
}

type Stop = Box<dyn FnOnce() + Send>;

/// A site on a free port, which stops when this is dropped.
pub struct Server {
    address: SocketAddr,
    stop: Option<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[must_use]
    pub fn start(framework: Framework, site: Site) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, thread) = match framework {
            Framework::Axum => axum::start(listener, site),
            Framework::Actix => actix::start(listener, site),
        };
        Server {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test has failed by it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
