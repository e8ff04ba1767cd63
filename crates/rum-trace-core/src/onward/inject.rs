//! The trace, written into an outgoing request.

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::Injector;
use opentelemetry::trace::TraceContextExt;
use rum_trace_propagation::baggage;
use rum_trace_propagation::sw8::{self, Sw8Parts};

use super::outgoing::Outgoing;
use super::{Endpoint, Target, TraceProtocol};
use crate::inbound::Inbound;
use crate::{RumContext, RumKey, RumSource, VERIFICATION_REQUEST_HEADER};

/// Writes the active trace into an outgoing request, or into a message.
///
/// By default it goes on in the protocol that it came in: `sw8` as SkyWalking's
/// agents write it, else W3C Trace Context.
///
/// The members of the `tracestate` list that came in keep their order and
/// text; a member that this service added or changed goes to the left (W3C
/// Trace Context Level 2, §3.3.1.4). The random flag is carried on, also
/// through a span that is not sampled. In `sw8` the trace id is the text that
/// came in, also if that was beside W3C, or the hex digits; the segment id is one that maps back to the
/// active span, as OpenTelemetry's Collector maps it.
///
/// Beside `sw8` the RUM members are in a `tracestate` of their own, as Android's SDK
/// sends them: `sw8` has no place for them. What the web SDK writes into `sw8` itself,
/// its app id as the service, is told of the caller, and ends with the hop.
///
/// The RUM members name a session and a user, and baggage may name anything, so
/// they only go to services that are said to be one's own:
///
/// ```
/// use std::collections::HashMap;
/// use opentelemetry::Context;
/// use rum_trace_core::Injection;
///
/// let mut headers: HashMap<String, String> = HashMap::new();
/// Injection::to_own_service().inject(&Context::current(), &mut headers);
/// assert!(headers.is_empty()); // no trace is active here
/// ```
///
/// [`Instrumenter::injection`](crate::Instrumenter::injection) makes one by the
/// host that is called.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Injection<'a> {
    target: Target,
    rum: bool,
    baggage: bool,
    protocol: Option<TraceProtocol>,
    service: &'a str,
    instance: &'a str,
    endpoint: &'a str,
    peer: &'a str,
}

impl<'a> Injection<'a> {
    /// To a service of one's own: with the RUM members and baggage.
    pub const fn to_own_service() -> Self {
        Self::to(Target::Own)
    }

    /// To anybody else: the trace, without the RUM members and baggage.
    pub const fn to_third_party() -> Self {
        Self::to(Target::ThirdParty)
    }

    /// To nobody: writes nothing.
    pub(crate) const fn to_nobody() -> Self {
        Self::to(Target::Stranger)
    }

    pub(super) const fn to(target: Target) -> Self {
        let is_own = matches!(target, Target::Own);
        Injection {
            target,
            rum: is_own,
            baggage: is_own,
            protocol: None,
            service: "",
            instance: "",
            endpoint: "",
            peer: "",
        }
    }

    /// The protocol, whichever the trace came in.
    pub const fn protocol(mut self, protocol: TraceProtocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// This service's name, for `sw8`; by default `unknown`.
    pub const fn service(mut self, service: &'a str) -> Self {
        self.service = service;
        self
    }

    /// This service instance's name, for `sw8`; by default `unknown`.
    pub const fn instance(mut self, instance: &'a str) -> Self {
        self.instance = instance;
        self
    }

    /// Whether the RUM members go along, and whether baggage does.
    pub(super) const fn with(mut self, rum: bool, baggage: bool) -> Self {
        (self.rum, self.baggage) = (rum, baggage);
        self
    }

    /// The same to a host that is known by another name, too: it gets no more than it
    /// would by that one. A request's `Host` header may name another host than its URL,
    /// and a connection may lead elsewhere than to either.
    pub fn limited_by(mut self, other: Injection<'_>) -> Self {
        self.target = self.target.min(other.target);
        (self.rum, self.baggage) = (self.rum && other.rum, self.baggage && other.baggage);
        self
    }

    /// How much it is, without who.
    pub(super) fn without_names(&self) -> Injection<'static> {
        Injection::to(self.target).with(self.rum, self.baggage)
    }

    /// What it is called where nobody said otherwise.
    pub(crate) fn called(mut self, service: &'a str, instance: &'a str) -> Self {
        if self.service.is_empty() && self.instance.is_empty() {
            (self.service, self.instance) = (service, instance);
        }
        self
    }

    /// What of this service makes the call, for `sw8`. By default one's own services
    /// learn the name of the SERVER span, `GET /users/{id}`, or the path where the
    /// route is known only afterwards, if the trace came in by `sw8` or a host was
    /// [said](crate::InstrumenterBuilder::protocol_to) to read it; else it is `/`.
    pub const fn endpoint(mut self, endpoint: &'a str) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// The address that is called, for `sw8`: `stock.internal:8080`.
    pub const fn peer(mut self, peer: &'a str) -> Self {
        self.peer = peer;
        self
    }

    /// Whether anything is written: not to a host that is neither one's own nor
    /// asked for.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        !matches!(self.target, Target::Stranger)
    }

    /// Writes the headers of the protocol for the span that is active in `cx`.
    /// Writes nothing if none is.
    ///
    /// It can only set headers: where the carrier may hold those of an earlier
    /// request, as in a proxy, take [`NOT_HANDED_ON`](Self::NOT_HANDED_ON) out first.
    pub fn inject(&self, cx: &Context, carrier: &mut dyn Injector) {
        if !self.is_wanted() {
            return;
        }
        let span = cx.span();
        let inbound = cx.get::<Inbound>();
        let Some(outgoing) = Outgoing::new(span.span_context(), inbound) else {
            return;
        };
        let protocol = self.protocol.unwrap_or_else(|| outgoing.came_in_by());
        if protocol.has_w3c() {
            self.write_w3c(cx, &outgoing, carrier);
        }
        if protocol.has_sw8() {
            self.write_sw8(cx, &outgoing, protocol, carrier);
        }
    }

    /// The headers that it may write, in lower case.
    pub const HEADERS: [&'static str; 5] = [
        "traceparent",
        "tracestate",
        "baggage",
        "sw8",
        "sw8-correlation",
    ];

    /// The headers of a request that must not go on with another, in lower case:
    /// [`HEADERS`](Self::HEADERS), whether anything is written in their place or not,
    /// and the verification token. The adapters take them out.
    pub const NOT_HANDED_ON: [&'static str; 6] = [
        Self::HEADERS[0],
        Self::HEADERS[1],
        Self::HEADERS[2],
        Self::HEADERS[3],
        Self::HEADERS[4],
        VERIFICATION_REQUEST_HEADER,
    ];

    fn write_w3c(&self, cx: &Context, outgoing: &Outgoing<'_>, carrier: &mut dyn Injector) {
        carrier.set("traceparent", outgoing.parent.to_string());
        let list = outgoing.list(self.rum);
        if !list.is_empty() {
            carrier.set("tracestate", list);
        }
        set(carrier, "baggage", self.baggage_of(cx));
    }

    fn write_sw8(
        &self,
        cx: &Context,
        outgoing: &Outgoing<'_>,
        protocol: TraceProtocol,
        carrier: &mut dyn Injector,
    ) {
        let trace_id = outgoing.parent.trace_id();
        let segment = sw8::segment_id(trace_id, outgoing.parent.parent_id());
        let digits;
        let text = match outgoing.sw8_trace_id {
            Some(came_in) => came_in,
            None => {
                digits = trace_id.to_string();
                &digits
            }
        };
        let parts = Sw8Parts {
            sampled: outgoing.parent.flags().is_sampled(),
            trace_id: text,
            segment_id: std::str::from_utf8(&segment).unwrap_or_default(),
            span_id: 0,
            service: self.service,
            instance: self.instance,
            endpoint: self.endpoint_of(cx),
            peer: self.peer,
        };
        carrier.set("sw8", parts.encode());
        if self.rum && !protocol.has_w3c() {
            // Where the RUM SDKs put them that speak sw8.
            set(carrier, "tracestate", outgoing.rum_members());
            set(carrier, "baggage", baggage::compose(self.rum_entries(cx)));
        }
        if self.baggage {
            let pairs = self.entries(cx).into_iter();
            let pairs = pairs.map(|(key, value, _)| (key, value));
            set(carrier, "sw8-correlation", sw8::correlation::encode(pairs));
        }
    }

    /// A third party need not know what was asked for.
    fn endpoint_of<'c>(&self, cx: &'c Context) -> &'c str
    where
        'a: 'c,
    {
        match (self.endpoint, self.target) {
            ("", Target::Own) => Endpoint::in_context(cx),
            (given, _) => given,
        }
    }

    /// The RUM entries that came in as baggage, then the rest.
    fn baggage_of(&self, cx: &Context) -> String {
        if !self.rum && !self.baggage {
            return String::new();
        }
        let rest = self.baggage.then(|| self.entries(cx));
        baggage::compose(self.rum_entries(cx).chain(rest.into_iter().flatten()))
    }

    /// The RUM entries that came in as baggage.
    fn rum_entries<'c>(
        &self,
        cx: &'c Context,
    ) -> impl Iterator<Item = (&'c str, &'c str, &'c str)> {
        let rum = RumContext::in_context(cx);
        let goes_out = self.rum && Inbound::is_trusted_in(cx);
        RUM_ENTRIES.into_iter().filter_map(move |(key, name)| {
            let is_baggage = rum.source(key) == Some(RumSource::Baggage);
            Some((name, rum.get(key).filter(|_| goes_out && is_baggage)?, ""))
        })
    }

    /// In the order of the keys: the SDK's own changes from request to request, and
    /// what is over a limit should always be the same. Another propagator may have
    /// taken RUM entries for ordinary ones.
    fn entries<'c>(&self, cx: &'c Context) -> Vec<(&'c str, &'c str, &'c str)> {
        let baggage = cx.baggage();
        let mut entries: Vec<_> = baggage
            .iter()
            .map(|(key, (value, metadata))| (key.as_str(), value.as_str(), metadata.as_str()))
            .filter(|(key, ..)| self.rum || !baggage::is_rum_key(key))
            .collect();
        entries.sort_unstable();
        entries
    }
}

/// The RUM SDK's names for the fields in `baggage`.
const RUM_ENTRIES: [(RumKey, &str); 5] = [
    (RumKey::Version, "rum"),
    (RumKey::AppType, "appType"),
    (RumKey::AppId, "pid"),
    (RumKey::SessionId, "sid"),
    (RumKey::UserId, "uid"),
];

fn set(carrier: &mut dyn Injector, name: &str, value: String) {
    if !value.is_empty() {
        carrier.set(name, value);
    }
}
