//! The service under test, the same on each framework.

mod actix;
mod axum;

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use opentelemetry::Context;
use rum_trace_core::{Instrumenter, InstrumenterBuilder, RumContext};
pub use rum_trace_test_services::Framework;
use rum_trace_test_services::Running;
use rum_trace_testing::{Collector, SpanView};

/// Where it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// On a free port of 127.0.0.1.
    Tcp,
    /// On a Unix socket of its own, where there is no address to be known by.
    Unix,
}

/// Where a service can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// By TCP.
    Tcp(SocketAddr),
    /// By a Unix socket.
    Unix(PathBuf),
}

/// A socket that listens, for a framework to take over.
enum Listener {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

/// A running service, which answers every GET with what it would send on to one's own
/// services, a header to a line, and the user that it knows. It stops when this is
/// dropped.
pub struct Service {
    framework: Framework,
    address: Address,
    collector: Collector,
    instrumenter: Instrumenter,
    running: Option<Running>,
}

impl Service {
    /// Starts it with the default settings but for these.
    ///
    /// # Panics
    ///
    /// If there is no free port, or the settings are wrong.
    #[must_use]
    pub fn start(
        framework: Framework,
        listen: Listen,
        settings: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        let collector = Collector::new();
        let builder = Instrumenter::builder().tracer_provider(&collector.tracer_provider());
        let instrumenter = settings(builder).build().expect("settings that are right");
        let (listener, address) = open(listen);
        let start = match framework {
            Framework::Axum => axum::start,
            Framework::Actix => actix::start,
        };
        let running = start(listener, instrumenter.clone());
        Service {
            framework,
            address,
            collector,
            instrumenter,
            running: Some(running),
        }
    }

    /// The framework that serves.
    #[must_use]
    pub const fn framework(&self) -> Framework {
        self.framework
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Its TCP address.
    ///
    /// # Panics
    ///
    /// If it listens on a Unix socket.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        match self.address {
            Address::Tcp(address) => address,
            Address::Unix(_) => panic!("it listens on a Unix socket"),
        }
    }

    /// The instrumenter, for its numbers.
    #[must_use]
    pub const fn instrumenter(&self) -> &Instrumenter {
        &self.instrumenter
    }

    /// What it exported.
    #[must_use]
    pub const fn collector(&self) -> &Collector {
        &self.collector
    }

    /// Waits for the span of the one request since the last time.
    ///
    /// # Panics
    ///
    /// If there was not one, or it does not end in time.
    pub async fn span(&self) -> SpanView {
        let mut spans = self.collector.wait_for_async(1).await;
        assert_eq!(spans.len(), 1, "{}", self.collector.tree());
        self.collector.reset();
        spans.remove(0)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Address::Unix(path) = &self.address {
            // actix-web may have removed it already.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("framework", &self.framework)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn open(listen: Listen) -> (Listener, Address) {
    match listen {
        Listen::Tcp => {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
            let listener = listener.expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            (Listener::Tcp(listener), Address::Tcp(address))
        }
        Listen::Unix => {
            let path = free_path(&std::env::temp_dir());
            let listener = std::os::unix::net::UnixListener::bind(&path).expect("a free path");
            (Listener::Unix(listener), Address::Unix(path))
        }
    }
}

fn free_path(folder: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("rum-trace-{}-{number}.sock", std::process::id());
    let path = folder.join(name);
    // Left behind by a process of the same id that was killed.
    let _ = std::fs::remove_file(&path);
    path
}

/// The body of an answer.
fn told(instrumenter: &Instrumenter) -> String {
    let mut headers: HashMap<String, String> = HashMap::new();
    let injection = instrumenter.injection_to_own_service();
    injection.inject(&Context::current(), &mut headers);
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    lines.sort_unstable();
    if let Some(user) = RumContext::current().user_id() {
        lines.push(format!("user: {user}\n"));
    }
    lines.concat()
}
