//! A site, served.

mod actix;
mod axum;
mod connection;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

pub use self::actix::on_actix;
pub use self::axum::on_axum;
pub use self::connection::Connection;
pub use rum_trace_test_services::Framework;
use rum_trace_test_services::Running;

use crate::{Answer, Site, Tap};

/// What `/slow/{id}` takes at least.
pub(crate) const SLOW: Duration = Duration::from_millis(20);

/// A site without sockets, behind its layer.
pub trait InProcess {
    /// Sends a request, and waits for the whole answer.
    fn call(&self, tap: &Tap) -> impl Future<Output = Answer>;
}

/// A site on a free port, which stops when this is dropped.
pub struct Server {
    address: SocketAddr,
    _running: Running,
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
        let running = match framework {
            Framework::Axum => axum::start(listener, site),
            Framework::Actix => actix::start(listener, site),
        };
        Server {
            address,
            _running: running,
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
