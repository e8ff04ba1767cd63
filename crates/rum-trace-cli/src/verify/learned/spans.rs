//! The collector in this process: all that is used of it stands here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rum_trace::RumKey;
use rum_trace_propagation::{SpanId, TraceId};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{Entry, Known, Trace, entry_of};
use crate::collector::{Collector, Limits, Span, SpanKind};

const TAKEN: &str =
    "something else listens there; end it, or have the service export to another port";

/// Connections of exporters at a time.
const MAX_CONNECTIONS: usize = 256;

/// A collector that listens where the service exports to.
pub(crate) struct Spans {
    collector: Collector,
    address: SocketAddr,
    relay: JoinHandle<()>,
}

impl Spans {
    /// The collector listens on a port of its own; what comes in here goes there.
    pub(crate) async fn listen(address: SocketAddr) -> Result<Self, String> {
        let listener = TcpListener::bind(address).await.map_err(in_words)?;
        let address = listener.local_addr().map_err(in_words)?;
        let collector = Collector::start(Limits::default()).await;
        let collector = collector.map_err(in_words)?;
        let endpoint = collector.endpoint();
        let to = endpoint.trim_start_matches("http://").to_owned();
        let relay = tokio::spawn(relay(listener, to));
        Ok(Spans {
            collector,
            address,
            relay,
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Spans of whatever trace.
    pub(crate) fn received(&self) -> u64 {
        self.collector.store().received()
    }

    pub(crate) fn trace(&self, id: TraceId, phone: Option<SpanId>) -> Trace {
        let spans = self.collector.store().trace(id);
        let known: Vec<Known> = spans.iter().map(|span| Known::of(span)).collect();
        let entry = entry_of(&known, phone).and_then(|(at, parent_is_known)| {
            let span = spans.get(at)?;
            Some(Entry::of(span, parent_is_known))
        });
        Trace { entry }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn in_words(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => TAKEN.to_owned(),
        _ => error.to_string(),
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

impl Known {
    fn of(span: &Span) -> Self {
        Known {
            id: span.span_id,
            parent: span.parent,
            is_server: span.kind == SpanKind::Server,
        }
    }
}

impl Entry {
    fn of(span: &Arc<Span>, parent_is_known: bool) -> Self {
        let told = |key: RumKey| Some((key.attribute(), span.text(key.attribute())?.to_owned()));
        Entry {
            service: span.service.to_string(),
            parent: span.parent,
            parent_is_known,
            rum: RumKey::ALL.into_iter().filter_map(told).collect(),
        }
    }
}

/// Each connection to the collector, and back. Ends them all with itself.
async fn relay(listener: TcpListener, to: String) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        // A failed accept is the peer's matter, or there are too many files open: the
        // next one may do.
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(hand_on(stream, to.clone()));
            }
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn hand_on(mut from: TcpStream, to: String) {
    if let Ok(mut to) = TcpStream::connect(&to).await {
        // Either end may go at any time.
        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
    }
}
