//! The embedded collector: OTLP over HTTP in, a bounded store of traces behind.

#[cfg(test)]
mod builder;
mod receiver;
mod resource;
mod span;
mod store;
mod value;

use std::io;
use std::sync::Arc;

use crate::loopback::Server;

#[cfg(test)]
pub(crate) use builder::SpanBuilder;
pub(crate) use resource::{Resource, Scope};
pub(crate) use span::{Dropped, Event, Link, Span, SpanKind, Status};
pub(crate) use store::{Limits, Store};
pub(crate) use value::{Attribute, Attributes, Cut, Value};

/// A receiver on a free port of the loopback interface, and its store.
#[derive(Debug)]
pub(crate) struct Collector {
    server: Server,
    store: Arc<Store>,
}

impl Collector {
    pub(crate) async fn start(limits: Limits) -> io::Result<Self> {
        let store = Arc::new(Store::new(limits));
        let server = Server::start(receiver::router(Arc::clone(&store))).await?;
        Ok(Self { server, store })
    }

    /// What an exporter takes as its endpoint: without `/v1/traces`.
    pub(crate) fn endpoint(&self) -> String {
        self.server.url()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}
