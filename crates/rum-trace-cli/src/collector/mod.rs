//! The embedded collector: OTLP over gRPC and HTTP in, a bounded store of traces
//! behind.

#[cfg(test)]
mod builder;
mod intake;
mod otlp;
mod resource;
mod span;
mod stats;
mod store;
mod value;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::http::host::HostPolicy;
use crate::http::server::{Patience, Server};
use otlp::Receiver;

#[cfg(test)]
pub(crate) use builder::SpanBuilder;
pub(crate) use intake::Intake;
pub(crate) use otlp::{Coding, MediaType, RequestLimits, decode};
pub(crate) use span::{Dropped, Event, Link, Span, SpanKind, Status};
pub(crate) use stats::{IgnoredRequests, Refused, StatsSnapshot};
#[cfg(test)]
pub(crate) use store::{Clock, QUIET};
pub(crate) use store::{Filter, Kept, Limits, Listed, StatusFilter, Store};
#[cfg(test)]
pub(crate) use value::Value;
pub(crate) use value::{Attributes, Cut, MAX_KEY, clip};

/// What a collector listens on, and what it puts up with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Where OTLP over gRPC is taken, if it is.
    pub(crate) grpc: Option<SocketAddr>,
    /// Where OTLP over HTTP is taken, if it is.
    pub(crate) http: Option<SocketAddr>,
    pub(crate) limits: Limits,
    pub(crate) requests: RequestLimits,
    pub(crate) patience: Patience,
    pub(crate) hosts: HostPolicy,
}

impl Options {
    /// OTLP over HTTP only, on a free port of the loopback interface.
    pub(crate) fn loopback() -> Self {
        Self {
            http: Some((Ipv4Addr::LOCALHOST, 0).into()),
            ..Self::default()
        }
    }
}

/// Why a collector cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(
        "port {} on {} is taken: by another collector? Use {option} {}:0 for a free port, or stop \
         the other one", .address.port(), .address.ip(), host(.address)
    )]
    Taken {
        option: &'static str,
        address: SocketAddr,
    },
    #[error("cannot listen on {address} ({option}): {error}")]
    Listen {
        option: &'static str,
        address: SocketAddr,
        #[source]
        error: io::Error,
    },
}

/// As it stands in front of a port.
fn host(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// Running receivers and their store. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    grpc: Option<Server>,
    http: Option<Server>,
    intake: Arc<Intake>,
    store: Arc<Store>,
    turned_away: Arc<AtomicU64>,
}

impl Collector {
    pub(crate) async fn start(options: Options) -> Result<Self, StartError> {
        let store = Arc::new(Store::new(options.limits));
        let intake = Arc::new(Intake::new(Arc::clone(&store)));
        let receiver = Receiver::new(Arc::clone(&intake), options.requests, options.hosts);
        let receiver = Arc::new(receiver);
        let mut collector = Self {
            grpc: None,
            http: None,
            intake,
            store,
            turned_away: Arc::default(),
        };
        let turned_away = Arc::clone(&collector.turned_away);
        if let Some(address) = options.grpc {
            let app = otlp::grpc::router(Arc::clone(&receiver));
            let started = Server::start(address, app, options.patience, &turned_away).await;
            collector.grpc = Some(started.map_err(start_error("--grpc", address))?);
        }
        if let Some(address) = options.http {
            let app = otlp::http::router(receiver);
            let started = Server::start(address, app, options.patience, &turned_away).await;
            collector.http = Some(started.map_err(start_error("--http", address))?);
        }
        Ok(collector)
    }

    /// Where OTLP over gRPC is taken, with the port that it got.
    pub(crate) fn grpc(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().map(Server::address)
    }

    /// Where OTLP over HTTP is taken, with the port that it got.
    pub(crate) fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(Server::address)
    }

    /// What an exporter over HTTP takes as its endpoint: without `/v1/traces`.
    /// Empty where nothing is taken over HTTP.
    pub(crate) fn endpoint(&self) -> String {
        let endpoint = self.http().map(|address| format!("http://{address}"));
        endpoint.unwrap_or_default()
    }

    pub(crate) const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Counts the connections that were closed at once, since there were too
    /// many; those of servers beside it, too.
    pub(crate) const fn turned_away(&self) -> &Arc<AtomicU64> {
        &self.turned_away
    }

    /// What came in and what was refused so far.
    pub(crate) fn stats(&self) -> StatsSnapshot {
        let mut stats = self.intake.stats.snapshot();
        stats.connections_turned_away = self.turned_away.load(Ordering::Relaxed);
        stats
    }

    /// Takes no more, and lets requests under way end, for a short while.
    pub(crate) async fn stop(self) {
        let servers = [self.grpc, self.http].into_iter().flatten();
        for server in servers {
            server.stop().await;
        }
    }
}

/// Of the option that names the address.
pub(crate) fn start_error(
    option: &'static str,
    address: SocketAddr,
) -> impl Fn(io::Error) -> StartError {
    move |error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::Taken { option, address },
        _ => StartError::Listen {
            option,
            address,
            error,
        },
    }
}

#[cfg(test)]
mod tests;
