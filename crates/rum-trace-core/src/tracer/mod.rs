//! What starts the SERVER spans of an instrumenter.

mod shared;
mod sink;
mod source;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanKind, TraceContextExt as _, TraceState as SdkTraceState, Tracer,
};

pub use self::shared::SharedAttributes;
pub(crate) use self::sink::Building;
pub use self::sink::SpanSink;
#[cfg(feature = "tracing")]
pub(crate) use self::sink::tell;
pub(crate) use self::source::SpanSource;
pub use self::source::{Installed, install, scope};
use crate::extract::Remote;
use crate::inbound::Inbound;
use crate::instrumenter::Arrival;
use crate::{RumContext, trace_state};

/// Starts SERVER spans.
///
/// Every [`Tracer`] is one. An export pipeline that knows its own sampler can
/// do it for less: it asks for the span's description only if it will be
/// recorded (`rum_trace_otlp::Pipeline` is one).
///
/// It is object safe, so that an [`Instrumenter`](crate::Instrumenter) is not
/// generic over it.
pub trait SpanStarter: Send + Sync {
    /// Starts the span. The context that comes back is the one that the request
    /// is served in: [`NewSpan::base`] with the new span in it.
    fn start_span(&self, span: NewSpan<'_>) -> Context;

    /// What the service and its instance are called, if that is known: `sw8` tells
    /// it to the next service.
    fn service(&self) -> Option<(&str, &str)> {
        None
    }

    /// Whether who decides looks at a [`RequestWithoutSpan`]. If not, a request that is
    /// skipped, mostly a health check, has none made for it.
    fn asks_of_skipped(&self) -> bool {
        true
    }
}

impl<T> SpanStarter for T
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start_span(&self, span: NewSpan<'_>) -> Context {
        let parent = span.parent();
        let span = self.build_with_context(span.into_builder(), &parent);
        parent.with_span(span)
    }
}

/// A SERVER span that is to begin.
pub struct NewSpan<'a> {
    /// Baggage and the values of ours, with whatever span is active.
    pub(crate) base: &'a Context,
    /// The caller's span, if a carrier of ours names it.
    pub(crate) remote: Option<&'a Remote>,
    /// The request that came in; `None` of one that goes out.
    pub(crate) asked: Option<&'a dyn Asked>,
    pub(crate) describe: &'a mut dyn FnMut(&mut dyn SpanSink),
}

impl<'a> NewSpan<'a> {
    /// What the request is served in, baggage and all, but for its span. If a
    /// span is active in it, the request is served inside of another one's.
    #[must_use]
    pub fn base(&self) -> &'a Context {
        self.base
    }

    /// The context to start the span in: the caller's span is the active one,
    /// with its trace state.
    #[must_use]
    pub fn parent(&self) -> Context {
        match self.remote {
            Some(remote) => {
                let caller = remote.span_context(self.trace_state());
                self.base.with_remote_span_context(caller)
            }
            None => self.base.clone(),
        }
    }

    /// The caller's span as its headers name it, without the trace state.
    /// `None` if none does: the active span, if any, is the parent.
    #[must_use]
    pub fn remote(&self) -> Option<SpanContext> {
        let remote = self.remote?;
        Some(remote.span_context(SdkTraceState::NONE))
    }

    /// The list that came in with the caller's span, as far as the settings let
    /// it be in a span.
    #[must_use]
    pub fn trace_state(&self) -> SdkTraceState {
        let inbound = self.base.get::<Inbound>();
        inbound.map(Inbound::trace_state).unwrap_or_default()
    }

    /// The value of one member of that list.
    #[must_use]
    pub fn trace_state_member(&self, key: &str) -> Option<&'a str> {
        let (list, with_rum) = self.base.get::<Inbound>()?.list_in_span()?;
        let is_shown = with_rum || !trace_state::is_rum_key(key);
        let mut members = trace_state::members(list).filter(|_| is_shown);
        members.find_map(|(found, value)| (found == key).then_some(value))
    }

    /// The same list with one member more on the left, in place of one with that key. If
    /// the SDK's trace state cannot hold it, without.
    #[must_use]
    pub fn trace_state_with(&self, key: &str, value: &str) -> SdkTraceState {
        let inbound = self.base.get::<Inbound>();
        let list = inbound.and_then(Inbound::list_in_span);
        trace_state::with_member(list, (key, value)).unwrap_or_else(|| {
            let came = self.trace_state();
            came.insert(key, value).unwrap_or(came)
        })
    }

    /// What the client tells of app, session and user; empty if nothing.
    #[must_use]
    pub fn rum(&self) -> &'a RumContext {
        match self.asked {
            Some(asked) => asked.rum(),
            None => RumContext::in_context(self.base),
        }
    }

    /// SERVER, or CLIENT of a call that no request asked for.
    #[must_use]
    pub fn kind(&self) -> SpanKind {
        match self.asked {
            Some(_) => SpanKind::Server,
            None => SpanKind::Client,
        }
    }

    /// The value of `http.request.method`: a known method, or `_OTHER`.
    #[must_use]
    pub fn method(&self) -> &'a str {
        self.asked.map_or("", Asked::method)
    }

    /// The path as it was sent, without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.asked.map_or("", Asked::path)
    }

    /// The route that the request has, or will have as far as can be told before the
    /// router has run: see [`RequestInfo::expected_route`](crate::RequestInfo::expected_route).
    /// `None` for gRPC.
    #[must_use]
    pub fn expected_route(&self) -> Option<Cow<'a, str>> {
        self.asked?.expected_route()
    }

    /// The client's address: the peer's, or the one that
    /// [trusted proxies](crate::TrustedProxies) tell.
    #[must_use]
    pub fn client_address(&self) -> Option<IpAddr> {
        self.asked?.client_address()
    }

    /// Tells name, start, attributes and links. Making them is most of what a span
    /// costs.
    pub fn describe(self, to: &mut dyn SpanSink) {
        (self.describe)(to);
    }

    /// Name, kind, start, attributes and links as the SDK takes them.
    #[must_use]
    pub fn into_builder(self) -> SpanBuilder {
        let mut span = Building::new(self.kind());
        (self.describe)(&mut span);
        span.finish()
    }
}

/// What of a request can be asked before its span is described, at little cost.
pub(crate) trait Asked {
    fn rum(&self) -> &RumContext;
    fn method(&self) -> &str;
    fn path(&self) -> &str;
    fn expected_route(&self) -> Option<Cow<'_, str>>;
    fn client_address(&self) -> Option<IpAddr>;
}

impl Asked for Arrival<'_> {
    fn rum(&self) -> &RumContext {
        self.rum
    }

    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path(&self) -> &str {
        self.request.path()
    }

    fn expected_route(&self) -> Option<Cow<'_, str>> {
        let is_call = self.call.is_some();
        if is_call {
            None
        } else {
            self.request.expected_route()
        }
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.forwarding.client().map(|(address, _)| address)
    }
}

impl fmt::Debug for NewSpan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSpan")
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

/// A request that has no span of its own, since its path is
/// [skipped](crate::InstrumenterBuilder::skip) or a filter wanted none. What is begun in
/// its context was still caused from outside, if it has a caller's span above it or not.
#[derive(Debug)]
pub struct RequestWithoutSpan {
    pub(crate) client: Option<IpAddr>,
}

impl RequestWithoutSpan {
    /// The one that is served in this context.
    #[must_use]
    pub fn in_context(cx: &Context) -> Option<&Self> {
        cx.get()
    }

    /// As [`NewSpan::client_address`].
    #[must_use]
    pub fn client_address(&self) -> Option<IpAddr> {
        self.client
    }
}
