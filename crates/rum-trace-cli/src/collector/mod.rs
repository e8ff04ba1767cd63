//! The embedded collector: OTLP over HTTP in, a bounded store of traces behind.

mod receiver;
mod span;
mod store;

use std::io;
use std::sync::Arc;

use crate::loopback::Server;

pub(crate) use span::{Span, SpanKind};
pub(crate) use store::{Limits, Store};

#[cfg(test)]
pub(crate) use span::tests::SpanBuilder;

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
