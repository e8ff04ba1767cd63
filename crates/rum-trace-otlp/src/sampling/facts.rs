//! What a decision is made by.

use std::borrow::Cow;
use std::net::IpAddr;

use opentelemetry::trace::SpanKind;
use opentelemetry::{Context, KeyValue, Value};
use rum_trace_core::RumContext;
use rum_trace_core::tracer::NewSpan;

/// The request behind a span that is to begin.
pub(crate) trait Facts {
    fn rum(&self) -> &RumContext;
    /// The value of `http.request.method`, empty if there is none.
    fn method(&self) -> &str;
    fn path(&self) -> Cow<'_, str>;
    fn route(&self) -> Option<Cow<'_, str>>;
    fn client_address(&self) -> Option<IpAddr>;
    fn kind(&self) -> &SpanKind;
}

/// A SERVER span of a layer's, before it is described.
impl Facts for NewSpan<'_> {
    fn rum(&self) -> &RumContext {
        NewSpan::rum(self)
    }

    fn method(&self) -> &str {
        NewSpan::method(self)
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed(NewSpan::path(self))
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.expected_route()
    }

    fn client_address(&self) -> Option<IpAddr> {
        NewSpan::client_address(self)
    }

    fn kind(&self) -> &SpanKind {
        &SpanKind::Server
    }
}

/// In the context that the SDK starts a span in: the route that is not known yet.
pub(super) struct ExpectedRoute(pub(super) String);

/// Any span of the SDK's, by the attributes that it begins with.
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
}

impl Facts for Described<'_> {
    fn rum(&self) -> &RumContext {
        RumContext::in_context(self.cx)
    }

    fn method(&self) -> &str {
        self.text("http.request.method").unwrap_or_default()
    }

    fn path(&self) -> Cow<'_, str> {
        let http = || self.text("url.path").unwrap_or_default();
        match self.text("rpc.method") {
            Some(method) => Cow::Owned(format!("/{method}")),
            None => Cow::Borrowed(http()),
        }
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        let expected = || self.cx.get::<ExpectedRoute>().map(|route| &*route.0);
        let route = self.text("http.route").or_else(expected);
        route.map(Cow::Borrowed)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.text("client.address")?.parse().ok()
    }

    fn kind(&self) -> &SpanKind {
        self.kind
    }
}
