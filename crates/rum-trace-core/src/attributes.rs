//! The attributes that a SERVER span has when it is created, where the
//! conventions want them so that samplers can see them.

use std::net::SocketAddr;
use std::sync::Arc;

use opentelemetry::{KeyValue, StringValue, Value};
use rum_trace_propagation::Sw8;

use crate::capture::HeaderCapture;
use crate::headers::TraceHeaders;
use crate::limits;
use crate::method::Method;
use crate::redact::QueryRedaction;
use crate::semconv;
use crate::stats::Counters;
use crate::{RequestInfo, RumContext};

/// Room for everything below but the captured headers, so that the vector is
/// allocated once.
const CAPACITY: usize = 16;

/// What of an [`Instrumenter`](crate::Instrumenter) the attributes depend on.
#[derive(Debug, Default)]
pub(crate) struct AttributeSettings {
    /// `http` or `https`, for requests that do not tell.
    pub(crate) scheme: Scheme,
    pub(crate) redaction: QueryRedaction,
    pub(crate) request_headers: HeaderCapture,
}

#[derive(Clone, Copy, Debug, Default)]
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
    request: &dyn RequestInfo,
    method: &Method,
    headers: &TraceHeaders<'_>,
    rum: &RumContext,
    sw8: Option<&Sw8>,
) -> Vec<KeyValue> {
    let further = rum.len() + if sw8.is_some() { 7 } else { 0 };
    let mut attributes = Vec::with_capacity(CAPACITY + further);
    attributes.push(KeyValue::new(
        semconv::HTTP_REQUEST_METHOD,
        method.to_value(),
    ));
    if matches!(method, Method::Other) {
        let original = request.method().to_owned();
        attributes.push(KeyValue::new(
            semconv::HTTP_REQUEST_METHOD_ORIGINAL,
            original,
        ));
    }
    push_url(&mut attributes, settings, request);
    push_server(&mut attributes, request, headers);
    push_peer(&mut attributes, request.peer());
    if let Some(version) = request.protocol_version() {
        attributes.push(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version));
    }
    if let Some(agent) = headers.user_agent.first() {
        let agent = String::from_utf8_lossy(agent).into_owned();
        attributes.push(KeyValue::new(semconv::USER_AGENT_ORIGINAL, agent));
    }
    if let Some(route) = request.route() {
        attributes.push(KeyValue::new(semconv::HTTP_ROUTE, route.to_owned()));
    }
    rum.push_attributes(&mut attributes);
    if let Some(sw8) = sw8 {
        counters.over_limit(push_sw8(&mut attributes, sw8, &settings.redaction));
    }
    if !settings.request_headers.is_empty() {
        let captured = settings
            .request_headers
            .attributes(|visit| request.for_each_header(visit));
        attributes.extend(captured);
    }
    attributes
}

fn push_url(
    attributes: &mut Vec<KeyValue>,
    settings: &AttributeSettings,
    request: &dyn RequestInfo,
) {
    let scheme = request
        .scheme()
        .and_then(Scheme::parse)
        .unwrap_or(settings.scheme);
    attributes.push(KeyValue::new(semconv::URL_SCHEME, scheme.as_str()));
    attributes.push(KeyValue::new(semconv::URL_PATH, request.path().to_owned()));
    if let Some(query) = request.query().filter(|query| !query.is_empty()) {
        let query = settings.redaction.query(query).into_owned();
        attributes.push(KeyValue::new(semconv::URL_QUERY, query));
    }
}

/// The host that the client asked for: `:authority`, then `Host`.
fn push_server(
    attributes: &mut Vec<KeyValue>,
    request: &dyn RequestInfo,
    headers: &TraceHeaders<'_>,
) {
    let host = headers
        .host
        .first()
        .and_then(|host| std::str::from_utf8(host).ok());
    let Some(authority) = request.authority().or(host) else {
        return;
    };
    let (address, port) = split_authority(authority);
    if address.is_empty() {
        return;
    }
    attributes.push(KeyValue::new(semconv::SERVER_ADDRESS, address.to_owned()));
    if let Some(port) = port {
        attributes.push(KeyValue::new(semconv::SERVER_PORT, i64::from(port)));
    }
}

/// Without trusted proxies nobody but the peer is known to be the client.
fn push_peer(attributes: &mut Vec<KeyValue>, peer: Option<SocketAddr>) {
    let Some(peer) = peer else {
        return;
    };
    let address: Arc<str> = Arc::from(peer.ip().to_canonical().to_string());
    let value = || Value::String(StringValue::from(address.clone()));
    attributes.push(KeyValue::new(semconv::CLIENT_ADDRESS, value()));
    attributes.push(KeyValue::new(semconv::NETWORK_PEER_ADDRESS, value()));
    attributes.push(KeyValue::new(
        semconv::NETWORK_PEER_PORT,
        i64::from(peer.port()),
    ));
}

/// What came from sw8 stays under its own names: an endpoint is not a route,
/// and a caller's service is not an app. Tells how many texts had to be cut.
fn push_sw8(attributes: &mut Vec<KeyValue>, sw8: &Sw8, redaction: &QueryRedaction) -> u32 {
    let mut over_limit = 0;
    let mut push = |name: &'static str, text: &str| {
        let (text, cut) = limits::field(text, limits::MAX_SW8_NAME);
        over_limit += u32::from(cut);
        if !text.is_empty() {
            attributes.push(KeyValue::new(name, text.into_owned()));
        }
    };
    push(semconv::SW8_TRACE_ID, sw8.trace_id());
    push(semconv::SW8_PARENT_SEGMENT_ID, sw8.segment_id());
    push(semconv::SW8_PARENT_SERVICE, sw8.service());
    push(semconv::SW8_PARENT_SERVICE_INSTANCE, sw8.instance());
    push(semconv::SW8_PARENT_ENDPOINT, &redaction.url(sw8.endpoint()));
    push(semconv::SW8_PEER, sw8.peer());
    attributes.push(KeyValue::new(
        semconv::SW8_PARENT_SPAN_ID,
        i64::from(sw8.span_id()),
    ));
    over_limit
}

/// `host[:port]`; an IPv6 host loses its brackets.
fn split_authority(authority: &str) -> (&str, Option<u16>) {
    // Credentials before the host are nobody's business.
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if let Some(rest) = authority.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((host, port)) => (
                host,
                port.strip_prefix(':').and_then(|port| port.parse().ok()),
            ),
            None => (rest, None),
        };
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_split() {
        let table = [
            ("api.example.com", "api.example.com", None),
            ("api.example.com:8443", "api.example.com", Some(8443)),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[::1]:8080", "::1", Some(8080)),
            ("[::1]", "::1", None),
            ("[::1", "::1", None),
            ("host:", "host", None),
            ("host:99999", "host", None),
            ("u:p@host:1", "host", Some(1)),
            ("", "", None),
        ];
        for (authority, address, port) in table {
            assert_eq!(split_authority(authority), (address, port), "{authority}");
        }
    }
}
