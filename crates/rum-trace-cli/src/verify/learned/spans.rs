//! The collector in this process: all that is used of it stands here.

use std::net::SocketAddr;

use rum_trace::RumKey;

use super::candidate::{Candidate, Maker, entry_of};
use super::{Entry, Trace, Wanted};
use crate::collector::{Collector, Options, Span, SpanKind, StartError};
use crate::http::host::HostPolicy;

/// The port that OTLP over gRPC has by its specification.
const GRPC: u16 = 4317;

/// How many traces are looked through for a span of a request of ours.
const MAX_TRACES: usize = 2_000;

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

    pub(super) fn trace(&self, wanted: Wanted) -> Trace {
        let spans = self.collector.store().trace(wanted.trace);
        let candidates: Vec<Candidate> = spans.iter().map(|span| Candidate::of(span)).collect();
        let entry = entry_of(&candidates, wanted).and_then(|(at, parent_is_known)| {
            let span = spans.get(at)?;
            Some(Entry::of(span, parent_is_known))
        });
        Trace {
            entry,
            spans: spans.iter().map(|span| span.span_id).collect(),
        }
    }

    pub(super) fn has_span_by(&self, agent: &str) -> bool {
        let store = self.collector.store();
        let newest = store.newest(None).take(MAX_TRACES);
        let mut spans = newest.flat_map(|listed| store.trace(listed.id));
        spans.any(|span| {
            Candidate::of(&span).maker != Maker::Other
                && span.text("user_agent.original") == Some(agent)
        })
    }
}

impl Candidate {
    fn of(span: &Span) -> Self {
        let language = span.resource.attributes.text("telemetry.sdk.language");
        Candidate {
            id: span.span_id,
            parent: span.parent,
            maker: match span.kind {
                SpanKind::Server => Maker::of_server(&span.scope.name, language),
                _ => Maker::Other,
            },
        }
    }
}

impl Entry {
    fn of(span: &Span, parent_is_known: bool) -> Self {
        let told = |key: RumKey| Some((key.attribute(), span.text(key.attribute())?.to_owned()));
        Entry {
            service: span.service().to_owned(),
            parent: span.parent,
            parent_is_known,
            rum: RumKey::ALL.into_iter().filter_map(told).collect(),
        }
    }
}
