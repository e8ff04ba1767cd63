//! What a handler does with its request: log lines, messages, and calls to others that
//! get a copy of its headers, as a proxy sends them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use rum_trace_core::{ContextSnapshot, Injection, Instrumenter, RumContext, RumTracePropagator};

#[derive(Clone, Debug)]
pub(super) struct Calls {
    pub(super) instrumenter: Instrumenter,
    upstream: SocketAddr,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Calls {
    pub(super) fn new(instrumenter: Instrumenter, upstream: SocketAddr) -> Self {
        Calls {
            instrumenter,
            upstream,
            messages: Arc::default(),
        }
    }

    /// The service's own host, and a stranger's that gets the trace.
    pub(super) fn urls(&self) -> [String; 2] {
        let port = self.upstream.port();
        ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{port}/stock"))
    }

    /// All that a handler can tell without a client; these headers came to it.
    pub(super) fn tell<'h>(&self, came: impl IntoIterator<Item = (&'h str, &'h [u8])>) {
        tracing::trace!(rum = ?RumContext::current(), "the request's client");
        let cx = Context::current();
        for injection in [Injection::to_own_service(), Injection::to_third_party()] {
            let mut headers = HashMap::new();
            injection.inject(&cx, &mut headers);
            self.send(&headers);
        }
        let propagator = RumTracePropagator::new(self.instrumenter.clone());
        let mut headers = HashMap::new();
        propagator
            .with_rum()
            .with_baggage()
            .inject_context(&cx, &mut headers);
        self.send(&headers);
        // As what is handed to a task would.
        let headers = ContextSnapshot::current().wrap_fn(|| {
            let mut headers = HashMap::new();
            Injection::to_own_service().inject(&Context::current(), &mut headers);
            headers
        })();
        self.send(&headers);
        // And as a consumer of a message with the client's own headers would.
        let consumed = self.instrumenter.extract(&Came::of(came));
        self.keep(format!("{:?}", RumContext::from_context(&consumed)));
        self.keep(consumed.span().span_context().trace_state().header());
        let mut headers = HashMap::new();
        Injection::to_own_service().inject(&consumed, &mut headers);
        self.send(&headers);
    }

    fn send(&self, headers: &HashMap<String, String>) {
        let lines = headers.iter();
        let lines = lines.map(|(name, value)| format!("{name}: {value}\n"));
        self.keep(lines.collect());
    }

    fn keep(&self, message: String) {
        let messages = self.messages.lock();
        messages
            .unwrap_or_else(PoisonError::into_inner)
            .push(message);
    }

    pub(super) fn messages(&self) -> Vec<String> {
        let messages = self.messages.lock();
        messages.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A message that has the headers that came.
struct Came(Vec<(String, String)>);

impl Came {
    fn of<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Self {
        let text = |value| String::from_utf8_lossy(value).into_owned();
        let headers = headers.into_iter();
        Came(
            headers
                .map(|(name, value)| (name.to_owned(), text(value)))
                .collect(),
        )
    }
}

impl Extractor for Came {
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let found = self.0.iter().filter(|(name, _)| name == key);
        let lines: Vec<&str> = found.map(|(_, value)| value.as_str()).collect();
        (!lines.is_empty()).then_some(lines)
    }
}

/// Headers that are for one connection only: a proxy hands the others on.
pub(super) fn goes_on(name: &str) -> bool {
    !["host", "connection", "content-length", "accept-encoding"].contains(&name)
}
