//! The attributes that a SERVER span has when it is created, where the
//! conventions want them so that samplers can see them.

use opentelemetry::{KeyValue, Value};
use rum_trace_propagation::Sw8;

use crate::RequestInfo;
use crate::capture::HeaderCapture;
use crate::forwarded::Forwarding;
use crate::instrumenter::Arrival;
use crate::intern;
use crate::limits;
use crate::method::Method;
use crate::peer;
use crate::redact::QueryRedaction;
use crate::semconv;
use crate::server::AskedHost;
use crate::stats::Counters;

/// Room for everything that nearly every request has, and what its response
/// adds, so that the vector is allocated once and is not larger than it must be:
/// allocators are slower with a kilobyte than with less.
const CAPACITY: usize = 12;

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
    further: usize,
) -> Vec<KeyValue> {
    let host = AskedHost::of(arrival);
    let further = further + arrival.rum.len() + if sw8.is_some() { 7 } else { 0 };
    let further = further + rare(arrival, host.as_ref());
    let mut attributes = Attributes {
        list: Vec::with_capacity(CAPACITY + further),
        over_limit: 0,
    };
    match &arrival.call {
        Some(call) => call.push_attributes(&mut attributes.list),
        None => attributes.http(settings, arrival),
    }
    attributes.connection(arrival, host.as_ref());
    arrival.rum.push_attributes(&mut attributes.list);
    if let Some(sw8) = sw8 {
        attributes.sw8(sw8, &settings.redaction);
    }
    if !settings.request_headers.is_empty() {
        attributes.headers(&settings.request_headers, arrival.request);
    }
    counters.over_limit(attributes.over_limit);
    attributes.list
}

/// How many there are of those that only some requests have.
fn rare(arrival: &Arrival<'_>, host: Option<&AskedHost<'_>>) -> usize {
    let port = host.is_some_and(|host| host.server().port.is_some());
    let query = arrival.request.query().is_some();
    let original = matches!(arrival.method, Method::Other);
    usize::from(port) + usize::from(query) + usize::from(original)
}

/// The attributes so far, and how many texts were too long for them.
struct Attributes {
    list: Vec<KeyValue>,
    over_limit: u32,
}

impl Attributes {
    fn push(&mut self, name: &'static str, value: impl Into<Value>) {
        self.push_value(name, value.into());
    }

    /// Once, and not at each of the twenty places: see `extract`.
    #[inline(never)]
    fn push_value(&mut self, name: &'static str, value: Value) {
        self.list.push(KeyValue::new(name, value));
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
        self.push(name, text.into_owned());
    }

    #[inline(never)]
    fn headers(&mut self, wanted: &HeaderCapture, request: &dyn RequestInfo) {
        let (captured, over_limit) = wanted.attributes(|visit| request.for_each_header(visit));
        self.list.extend(captured);
        self.over_limit += over_limit;
    }

    /// What is HTTP's alone.
    fn http(&mut self, settings: &AttributeSettings, arrival: &Arrival<'_>) {
        let request = arrival.request;
        self.push(semconv::HTTP_REQUEST_METHOD, arrival.method.to_value());
        if matches!(arrival.method, Method::Other) {
            self.text(semconv::HTTP_REQUEST_METHOD_ORIGINAL, request.method());
        }
        self.url(settings, arrival);
        if let Some(route) = arrival.route() {
            self.push(semconv::HTTP_ROUTE, route.value());
        }
    }

    /// What RPC has as well: who, to whom, over what.
    fn connection(&mut self, arrival: &Arrival<'_>, host: Option<&AskedHost<'_>>) {
        if let Some(host) = host {
            self.server(host);
        }
        self.peer(arrival.forwarding);
        if let Some(version) = arrival.request.protocol_version() {
            self.push(semconv::NETWORK_PROTOCOL_VERSION, version);
        }
        if let Some(agent) = arrival.headers.user_agent.first() {
            match intern::user_agent(agent) {
                Some(agent) => self.push(semconv::USER_AGENT_ORIGINAL, agent),
                None => {
                    let agent = String::from_utf8_lossy(agent);
                    self.text(semconv::USER_AGENT_ORIGINAL, &agent);
                }
            }
        }
    }

    fn url(&mut self, settings: &AttributeSettings, arrival: &Arrival<'_>) {
        let request = arrival.request;
        self.push(semconv::URL_SCHEME, settings.scheme(arrival));
        self.text(semconv::URL_PATH, request.path());
        if let Some(query) = request.query().filter(|query| !query.is_empty()) {
            self.text(semconv::URL_QUERY, &settings.redaction.query(query));
        }
    }

    fn server(&mut self, host: &AskedHost<'_>) {
        match host {
            AskedHost::Known(server) => self.push(semconv::SERVER_ADDRESS, server.address),
            AskedHost::Other(server) => self.text(semconv::SERVER_ADDRESS, server.address),
        }
        if let Some(port) = host.server().port {
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
        self.push(semconv::CLIENT_ADDRESS, address.to_string());
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
