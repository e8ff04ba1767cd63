//! The attributes that a SERVER span has when it is created, where the
//! conventions want them so that samplers can see them.

use opentelemetry::Value;
use rum_trace_propagation::Sw8;

use crate::RequestInfo;
use crate::capture::HeaderCapture;
use crate::forwarded::Forwarding;
use crate::instrumenter::Arrival;
use crate::intern::{self, Route};
use crate::limits;
use crate::method::Method;
use crate::peer;
use crate::redact::QueryRedaction;
use crate::semconv;
use crate::server::{AskedHost, Server};
use crate::stats::Counters;
use crate::tracer::{SharedAttributes, SpanSink};

/// Everything that nearly every request has, and what its response adds, so that
/// a vector is allocated once and is not larger than it must be: allocators are slower
/// with a kilobyte than with less.
const USUAL: usize = 12;

/// What of an [`Instrumenter`](crate::Instrumenter) the attributes depend on.
#[derive(Debug, Default)]
pub(crate) struct AttributeSettings {
    /// `http` or `https`, for requests that do not tell.
    pub(crate) scheme: Scheme,
    pub(crate) redaction: QueryRedaction,
    pub(crate) request_headers: HeaderCapture,
}

impl AttributeSettings {
    /// `http` or `https`.
    pub(crate) fn scheme(&self, arrival: &Arrival<'_>) -> &'static str {
        let forwarded = arrival.forwarding.scheme();
        let told = || arrival.request.scheme().and_then(Scheme::parse);
        forwarded.or_else(told).unwrap_or(self.scheme).as_str()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scheme {
    #[default]
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("https") {
            Some(Scheme::Https)
        } else if text.eq_ignore_ascii_case("http") {
            Some(Scheme::Http)
        } else {
            None
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

pub(crate) fn at_creation(
    settings: &AttributeSettings,
    counters: &Counters,
    arrival: &Arrival<'_>,
    sw8: Option<&Sw8>,
    sink: &mut dyn SpanSink,
) {
    let host = AskedHost::of(arrival);
    let further = arrival.rum.len() + if sw8.is_some() { 7 } else { 0 };
    sink.expect(USUAL + further + rare(arrival, host.as_ref()));
    let mut attributes = Attributes {
        sink,
        over_limit: 0,
    };
    attributes.shared(settings, arrival, host.as_ref());
    match &arrival.call {
        Some(call) => call
            .attributes()
            .for_each(|it| attributes.sink.attribute(it)),
        None => attributes.http(settings, arrival),
    }
    if let Some(AskedHost::Other(server)) = &host {
        attributes.server(server);
    }
    attributes.peer(arrival.forwarding);
    attributes.agent(arrival);
    arrival.rum.describe(attributes.sink);
    if let Some(sw8) = sw8 {
        attributes.sw8(sw8, &settings.redaction);
    }
    if !settings.request_headers.is_empty() {
        attributes.headers(&settings.request_headers, arrival.request);
    }
    counters.over_limit(attributes.over_limit);
}

/// How many there are of those that only some requests have.
fn rare(arrival: &Arrival<'_>, host: Option<&AskedHost<'_>>) -> usize {
    let port = host.is_some_and(|host| host.server().port.is_some());
    let query = arrival.request.query().is_some();
    let original = matches!(arrival.method, Method::Other);
    usize::from(port) + usize::from(query) + usize::from(original)
}

/// Where the attributes go, and how many texts were too long for them.
struct Attributes<'a> {
    sink: &'a mut dyn SpanSink,
    over_limit: u32,
}

impl Attributes<'_> {
    fn push(&mut self, name: &'static str, value: impl Into<Value>) {
        self.sink.value(name, value.into());
    }

    /// What a client sent, within the limit: a span waits for its export in
    /// memory, and the request head may be large.
    fn text(&mut self, name: &'static str, text: &str) {
        self.text_up_to(limits::MAX_TEXT, name, text);
    }

    #[inline(never)]
    fn text_up_to(&mut self, max: usize, name: &'static str, text: &str) {
        let (text, cut) = limits::field(text, max);
        self.over_limit += u32::from(cut);
        self.sink.text(name, &text);
    }

    #[inline(never)]
    fn headers(&mut self, wanted: &HeaderCapture, request: &dyn RequestInfo) {
        let (captured, over_limit) = wanted.attributes(|visit| request.for_each_header(visit));
        captured.into_iter().for_each(|it| self.sink.attribute(it));
        self.over_limit += over_limit;
    }

    /// What is known from earlier requests. A gRPC call has a method of another kind.
    fn shared(
        &mut self,
        settings: &AttributeSettings,
        arrival: &Arrival<'_>,
        host: Option<&AskedHost<'_>>,
    ) {
        let is_http = arrival.call.is_none();
        let host = host.and_then(AskedHost::known);
        self.sink.shared(&SharedAttributes {
            method: is_http.then(|| arrival.method.as_str()),
            scheme: is_http.then(|| settings.scheme(arrival)),
            route: arrival.route().and_then(Route::kept),
            address: host.map(|host| host.address),
            port: host.and_then(|host| host.port),
            version: arrival.request.protocol_version(),
        });
    }

    /// What is HTTP's alone.
    fn http(&mut self, settings: &AttributeSettings, arrival: &Arrival<'_>) {
        let request = arrival.request;
        if matches!(arrival.method, Method::Other) {
            self.text(semconv::HTTP_REQUEST_METHOD_ORIGINAL, request.method());
        }
        self.text(semconv::URL_PATH, request.path());
        if let Some(query) = request.query().filter(|query| !query.is_empty()) {
            self.text(semconv::URL_QUERY, &settings.redaction.query(query));
        }
        if let Some(Route::Other(route)) = arrival.route() {
            self.sink.text(semconv::HTTP_ROUTE, route);
        }
    }

    fn agent(&mut self, arrival: &Arrival<'_>) {
        if let Some(agent) = arrival.headers.user_agent.first() {
            // Looking a kept one up costs less than looking through another.
            match intern::user_agent(agent) {
                Some(agent) => self.push(semconv::USER_AGENT_ORIGINAL, agent),
                None => {
                    let agent = String::from_utf8_lossy(agent);
                    self.text(semconv::USER_AGENT_ORIGINAL, &agent);
                }
            }
        }
    }

    /// A host that only this request may have asked for.
    fn server(&mut self, server: &Server<'_>) {
        self.text(semconv::SERVER_ADDRESS, server.address);
        if let Some(port) = server.port {
            self.push(semconv::SERVER_PORT, i64::from(port));
        }
    }

    /// Without trusted proxies nobody but the peer is known to be the client.
    fn peer(&mut self, forwarding: &Forwarding<'_>) {
        let is_client = forwarding.is_direct();
        if !is_client {
            self.forwarded_client(forwarding);
        }
        let Some(peer) = forwarding.peer() else {
            return;
        };
        let address = peer::text(peer.ip().to_canonical());
        if is_client {
            self.push(semconv::CLIENT_ADDRESS, Value::String(address.clone()));
        }
        self.push(semconv::NETWORK_PEER_ADDRESS, Value::String(address));
        self.push(semconv::NETWORK_PEER_PORT, i64::from(peer.port()));
    }

    /// Who trusted proxies say. Where they do not know, nobody is named: the peer is
    /// a proxy.
    #[inline(never)]
    fn forwarded_client(&mut self, forwarding: &Forwarding<'_>) {
        self.over_limit += u32::from(forwarding.is_over_limit());
        let Some((address, port)) = forwarding.client() else {
            return;
        };
        self.sink
            .text(semconv::CLIENT_ADDRESS, &address.to_string());
        if let Some(port) = port {
            self.push(semconv::CLIENT_PORT, i64::from(port));
        }
    }

    /// What came from sw8 stays under its own names: an endpoint is not a
    /// route, and a caller's service is not an app.
    #[inline(never)]
    fn sw8(&mut self, sw8: &Sw8, redaction: &QueryRedaction) {
        let endpoint = redaction.url(sw8.endpoint());
        let texts = [
            (semconv::SW8_TRACE_ID, sw8.trace_id()),
            (semconv::SW8_PARENT_SEGMENT_ID, sw8.segment_id()),
            (semconv::SW8_PARENT_SERVICE, sw8.service()),
            (semconv::SW8_PARENT_SERVICE_INSTANCE, sw8.instance()),
            (semconv::SW8_PARENT_ENDPOINT, &endpoint),
            (semconv::SW8_PEER, sw8.peer()),
        ];
        for (name, text) in texts {
            // The web SDK writes `undefined` where it has nothing to tell.
            if !text.is_empty() && text != "undefined" {
                self.text_up_to(limits::MAX_SW8_NAME, name, text);
            }
        }
        self.push(semconv::SW8_PARENT_SPAN_ID, i64::from(sw8.span_id()));
    }
}
