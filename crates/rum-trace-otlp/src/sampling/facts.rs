//! What a decision is made by.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, Value};
use rum_trace_core::RumContext;
use rum_trace_core::tracer::{NewSpan, RequestWithoutSpan};

use super::member::{self, OT};
use super::rules::Ruleset;

/// The request behind a span that is to begin. What is cheap is there, the rest is asked
/// for.
pub(super) struct Facts<'a> {
    pub(super) rum: &'a RumContext,
    pub(super) kind: SpanKind,
    /// The value of `http.request.method`, empty if there is none.
    pub(super) method: &'a str,
    pub(super) path: Cow<'a, str>,
    /// Those to decide by, if they are not the ones that hold just now.
    pub(super) rules: Option<&'a Ruleset>,
    cx: &'a Context,
    dear: &'a dyn Dear,
}

/// What few samplers ask for.
trait Dear {
    fn route(&self) -> Option<Cow<'_, str>>;
    fn client_address(&self) -> Option<IpAddr>;
    /// The randomness that came in with the trace; where a span is active in the
    /// context, its own.
    fn randomness(&self, cx: &Context) -> Option<u64> {
        let span = cx.span();
        member::randomness(span.span_context().trace_state().get(OT)?)
    }
}

impl<'a> Facts<'a> {
    /// Of a span of a layer's, before it is described.
    pub(super) fn of_new(span: &'a NewSpan<'_>) -> Self {
        Facts {
            rum: span.rum(),
            kind: span.kind(),
            method: span.method(),
            path: Cow::Borrowed(span.path()),
            rules: None,
            cx: span.base(),
            dear: span,
        }
    }

    /// Of a span of the SDK's.
    pub(super) fn of_described(span: &'a Described<'_>) -> Self {
        let facts = Facts {
            rum: RumContext::in_context(span.cx),
            kind: span.kind.clone(),
            method: "",
            path: Cow::Borrowed(""),
            rules: None,
            cx: span.cx,
            dear: span,
        };
        match span.cx.get::<Asked>() {
            Some(asked) => Facts {
                method: &asked.method,
                path: Cow::Borrowed(&asked.path),
                rules: Some(&asked.rules),
                dear: asked,
                ..facts
            },
            None => Facts {
                method: span.text("http.request.method").unwrap_or_default(),
                path: span.path(),
                ..facts
            },
        }
    }

    /// A root would be a request's from outside, and no job's of one's own.
    pub(super) fn is_of_request(&self) -> bool {
        self.kind == SpanKind::Server || self.skipped().is_some()
    }

    /// The request that this is begun in, if that has no span.
    fn skipped(&self) -> Option<&'a RequestWithoutSpan> {
        let is_inside = self.kind != SpanKind::Server;
        RequestWithoutSpan::in_context(self.cx).filter(|_| is_inside)
    }

    pub(super) fn route(&self) -> Option<Cow<'_, str>> {
        self.dear.route()
    }

    pub(super) fn client_address(&self) -> Option<IpAddr> {
        match self.skipped() {
            Some(request) => request.client_address(),
            None => self.dear.client_address(),
        }
    }

    pub(super) fn randomness(&self) -> Option<u64> {
        self.dear.randomness(self.cx)
    }
}

impl Dear for NewSpan<'_> {
    fn route(&self) -> Option<Cow<'_, str>> {
        self.expected_route()
    }

    fn client_address(&self) -> Option<IpAddr> {
        NewSpan::client_address(self)
    }

    fn randomness(&self, _: &Context) -> Option<u64> {
        member::randomness(self.trace_state_member(OT)?)
    }
}

/// What a layer knows of a request, in the context that the SDK starts its span in. The
/// description is no match for it: that of a gRPC call has no method of HTTP's and not
/// yet its path, and the route may come later.
pub(super) struct Asked {
    rules: Arc<Ruleset>,
    method: String,
    path: String,
    route: Option<String>,
    client_address: Option<IpAddr>,
}

impl Asked {
    /// The rules are those to decide by, since they say whether the route is looked up.
    pub(super) fn of(span: &NewSpan<'_>, rules: Arc<Ruleset>) -> Self {
        let wants_route = rules.asks_for_route;
        let route = wants_route.then(|| span.expected_route()).flatten();
        Asked {
            rules,
            method: span.method().to_owned(),
            path: span.path().to_owned(),
            route: route.map(Cow::into_owned),
            client_address: span.client_address(),
        }
    }
}

impl Dear for Asked {
    fn route(&self) -> Option<Cow<'_, str>> {
        self.route.as_deref().map(Cow::Borrowed)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.client_address
    }
}

/// What a span of the SDK's begins with. Only a SERVER span tells of a request that came
/// in; what others say is of one that goes out.
pub(super) struct Described<'a> {
    pub(super) cx: &'a Context,
    pub(super) kind: &'a SpanKind,
    pub(super) attributes: &'a [KeyValue],
}

impl Described<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        if *self.kind != SpanKind::Server {
            return None;
        }
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
        self.text("http.route").map(Cow::Borrowed)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.text("client.address")?.parse().ok()
    }
}
