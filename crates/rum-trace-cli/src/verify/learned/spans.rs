//! The collector in this process: all that is used of it stands here.

use std::net::SocketAddr;
use std::sync::Arc;

use rum_trace::RumKey;
use rum_trace_propagation::{SpanId, TraceId};

use super::{Entry, Known, Trace, entry_of};
use crate::collector::{Collector, Options, Span, SpanKind, StartError};
use crate::http::host::HostPolicy;

/// The port that OTLP over gRPC has by its specification.
const GRPC: u16 = 4317;

const TAKEN: &str =
    "something else listens there; end it, or have the service export to another port";

/// A collector that listens where the service exports to.
pub(crate) struct Spans {
    collector: Collector,
    address: SocketAddr,
}

impl Spans {
    /// Over HTTP; over gRPC at the port that this has. It takes spans under whatever name
    /// it is asked by, and gives none away.
    pub(crate) async fn listen(address: SocketAddr) -> Result<Self, String> {
        let is_grpc = address.port() == GRPC;
        let options = Options {
            grpc: is_grpc.then_some(address),
            http: (!is_grpc).then_some(address),
            hosts: HostPolicy::any(),
            ..Options::default()
        };
        let collector = Collector::start(options).await;
        let collector = collector.map_err(|error| match error {
            StartError::Taken { .. } => TAKEN.to_owned(),
            StartError::Listen { error, .. } => error.to_string(),
        })?;
        let address = collector.grpc().or_else(|| collector.http());
        let address = address.ok_or("the collector listens nowhere")?;
        Ok(Spans { collector, address })
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
            service: span.service().to_owned(),
            parent: span.parent,
            parent_is_known,
            rum: RumKey::ALL.into_iter().filter_map(told).collect(),
        }
    }
}
