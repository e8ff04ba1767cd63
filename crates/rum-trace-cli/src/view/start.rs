//! What stands while the viewer runs: the receivers and the page.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, watch};

use super::{api, guard, live};
use crate::cli::ViewArgs;
use crate::collector::{self, Collector, Limits, Options, Store};
use crate::http::host::HostPolicy;
use crate::http::server::Server;

/// Why the viewer cannot start, or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("no runtime could be started: {0}")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Listen(#[from] collector::StartError),
    #[error("standard output: {0}")]
    Output(#[source] io::Error),
}

/// What every request may need.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) collector: Collector,
    pub(super) store: Arc<Store>,
    pub(super) hosts: HostPolicy,
    /// Places for those who listen to events.
    pub(super) listeners: Arc<Semaphore>,
    /// Places for answers in the making.
    pub(super) answers: Arc<Semaphore>,
    /// Tells the events of this process from those of another.
    pub(super) process: String,
    refused_hosts: AtomicU64,
    ended: watch::Sender<bool>,
}

impl Shared {
    /// Returns once the viewer is to end.
    pub(super) async fn ending(&self) {
        // The sender is in `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    pub(super) fn refuse_host(&self) {
        self.refused_hosts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused_hosts(&self) -> u64 {
        self.refused_hosts.load(Ordering::Relaxed)
    }
}

/// Receivers and page. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    shared: Arc<Shared>,
    page: Server,
}

impl Running {
    /// With the page here, and a collector with these options.
    pub(crate) async fn start(listen: SocketAddr, options: Options) -> Result<Self, StartError> {
        let hosts = options.hosts.clone();
        let patience = options.patience;
        let collector = Collector::start(options).await?;
        let turned_away = Arc::clone(collector.turned_away());
        let shared = Arc::new(Shared {
            store: Arc::clone(collector.store()),
            collector,
            hosts,
            listeners: Arc::new(Semaphore::new(live::MAX_LISTENERS)),
            answers: Arc::new(Semaphore::new(api::MAX_ANSWERS)),
            process: format!("{:016x}", RandomState::new().hash_one(())),
            refused_hosts: AtomicU64::new(0),
            ended: watch::Sender::new(false),
        });
        let app = guard::around(api::router(Arc::clone(&shared)), Arc::clone(&shared));
        let page = Server::start(listen, app, patience, &turned_away).await;
        let page = page.map_err(collector::start_error("--listen", listen))?;
        Ok(Self { shared, page })
    }

    /// Takes no more, and lets requests under way end, for a short while.
    pub(super) async fn stop(self) {
        self.shared.ended.send_replace(true);
        self.page.stop().await;
        if let Some(shared) = Arc::into_inner(self.shared) {
            shared.collector.stop().await;
        }
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.shared.store
    }

    pub(crate) fn collector(&self) -> &Collector {
        &self.shared.collector
    }

    /// Where the page is.
    pub(crate) const fn page(&self) -> SocketAddr {
        self.page.address()
    }

    #[cfg(test)]
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    #[cfg(test)]
    pub(super) fn collector_http(&self) -> SocketAddr {
        self.shared.collector.http().unwrap()
    }

    fn addresses(&self) -> [(&'static str, Option<SocketAddr>); 3] {
        let collector = &self.shared.collector;
        [
            ("page", Some(self.page())),
            ("OTLP/gRPC", collector.grpc()),
            ("OTLP/HTTP", collector.http()),
        ]
    }

    /// The addresses, one on a line, and what a service needs of them.
    pub(super) fn opening(&self) -> String {
        let mut text = String::new();
        for (name, address) in self.addresses() {
            if let Some(address) = address {
                // Writing to a String does not fail, here and below.
                let _ = writeln!(text, "{name:9}  http://{}", reachable(address));
            }
        }
        if let Some(address) = self.shared.collector.http() {
            let address = reachable(address);
            let _ = writeln!(
                text,
                "\nIn a service: OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}"
            );
        }
        text
    }

    /// Of what others than this machine can reach.
    pub(super) fn warnings(&self) -> String {
        let mut text = String::new();
        for (name, address) in self.addresses() {
            if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
                let _ = writeln!(
                    text,
                    "rum-trace view: warning: {name} listens on {address}: whoever reaches this \
                     machine can use it, without a password"
                );
            }
        }
        text
    }
}

/// What the command line says of the collector.
pub(super) fn options(args: &ViewArgs) -> Options {
    Options {
        grpc: Some(args.grpc),
        http: Some(args.http),
        limits: Limits {
            traces: args.max_traces,
            bytes: args.max_bytes,
        },
        hosts: HostPolicy::new(args.allow_host.iter().cloned()),
        ..Options::default()
    }
}

/// All interfaces are no address that one can connect to everywhere.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
