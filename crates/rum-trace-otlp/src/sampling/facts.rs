//! What a decision is made by.

use std::borrow::Cow;
use std::net::IpAddr;

use opentelemetry::trace::SpanKind;
use opentelemetry::{Context, KeyValue, Value};
use rum_trace_core::RumContext;
use rum_trace_core::tracer::NewSpan;

/// The request behind a span that is to begin. What is cheap is there, the rest is asked
/// for.
pub(super) struct Facts<'a> {
    pub(super) rum: &'a RumContext,
    pub(super) kind: SpanKind,
    /// The value of `http.request.method`, empty if there is none.
    pub(super) method: &'a str,
    pub(super) path: Cow<'a, str>,
    dear: &'a dyn Dear,
}

/// What few samplers ask for.
trait Dear {
    fn route(&self) -> Option<Cow<'_, str>>;
    fn client_address(&self) -> Option<IpAddr>;
}

impl<'a> Facts<'a> {
    /// Of a span of a layer's, before it is described.
    pub(super) fn of_new(span: &'a NewSpan<'_>) -> Self {
        Facts {
            rum: span.rum(),
            kind: span.kind(),
            method: span.method(),
            path: Cow::Borrowed(span.path()),
            dear: span,
        }
    }

    /// Of any span of the SDK's.
    pub(super) fn of_described(span: &'a Described<'_>) -> Self {
        Facts {
            rum: RumContext::in_context(span.cx),
            kind: span.kind.clone(),
            method: span.text("http.request.method").unwrap_or_default(),
            path: span.path(),
            dear: span,
        }
    }

    pub(super) fn route(&self) -> Option<Cow<'_, str>> {
        self.dear.route()
    }

    pub(super) fn client_address(&self) -> Option<IpAddr> {
        self.dear.client_address()
    }
}

impl Dear for NewSpan<'_> {
    fn route(&self) -> Option<Cow<'_, str>> {
        self.expected_route()
    }

    fn client_address(&self) -> Option<IpAddr> {
        NewSpan::client_address(self)
    }
}

/// In the context that the SDK starts a span in: the route that is not known yet.
pub(super) struct ExpectedRoute(pub(super) String);

/// What a span of the SDK's begins with.
pub(super) struct Described<'a> {
    pub(super) cx: &'a Context,
    pub(super) kind: &'a SpanKind,
    pub(super) attributes: &'a [KeyValue],
}

impl Described<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|it| it.key.as_str() == name);
        match &found?.value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    fn path(&self) -> Cow<'_, str> {
        match self.text("rpc.method") {
            Some(method) => Cow::Owned(format!("/{method}")),
            None => Cow::Borrowed(self.text("url.path").unwrap_or_default()),
        }
    }
}

impl Dear for Described<'_> {
    fn route(&self) -> Option<Cow<'_, str>> {
        let expected = || self.cx.get::<ExpectedRoute>().map(|route| &*route.0);
        let route = self.text("http.route").or_else(expected);
        route.map(Cow::Borrowed)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.text("client.address")?.parse().ok()
    }
}
