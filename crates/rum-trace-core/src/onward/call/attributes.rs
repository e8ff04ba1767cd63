//! The attributes of a CLIENT span, by OpenTelemetry's conventions for HTTP
//! clients and for RPC.

use std::borrow::Cow;
use std::net::SocketAddr;

use opentelemetry::{KeyValue, StringValue, Value};

use crate::RequestInfo;
use crate::grpc::GrpcCall;
use crate::method::Method;
use crate::redact::QueryRedaction;
use crate::stats::Counters;
use crate::{intern, limits, peer, semconv, server};

/// Those of the request, and what its response adds.
const CAPACITY: usize = 10;

/// Where a call goes.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// Without the brackets of an IPv6 address. Empty: nobody said.
    pub(super) address: StringValue,
    pub(super) port: Option<u16>,
}

impl Server {
    /// Of a request's authority; the port is the scheme's if it has none.
    pub(super) fn of(request: &dyn RequestInfo, counters: &Counters) -> Self {
        let authority = request.authority().unwrap_or_default();
        let (address, port) = match intern::host(authority.as_bytes()) {
            Some(known) => (StringValue::from(known.server.address), known.server.port),
            None => {
                let server = server::Server::of(authority);
                let address = kept(server.address, limits::MAX_TEXT, counters);
                (StringValue::from(address), server.port)
            }
        };
        Server {
            address,
            port: port.or_else(|| default_port(scheme(request))),
        }
    }

    /// In the order of their names.
    pub(super) fn attributes(&self) -> [Option<(&'static str, Value)>; 2] {
        let is_known = !self.address.as_str().is_empty();
        let address = is_known.then(|| Value::String(self.address.clone()));
        let port = self.port.filter(|_| is_known);
        [
            address.map(|address| (semconv::SERVER_ADDRESS, address)),
            port.map(|port| (semconv::SERVER_PORT, Value::I64(i64::from(port)))),
        ]
    }
}

/// A call that does not say is one without TLS.
fn scheme(request: &dyn RequestInfo) -> &str {
    request.scheme().unwrap_or("http")
}

/// A WebSocket begins as a request, and its URL has a scheme of its own.
fn default_port(scheme: &str) -> Option<u16> {
    let is = |known: &str| scheme.eq_ignore_ascii_case(known);
    if is("https") || is("wss") {
        Some(443)
    } else {
        (is("http") || is("ws")).then_some(80)
    }
}

pub(super) struct Description<'a> {
    pub(super) request: &'a dyn RequestInfo,
    pub(super) method: Method,
    pub(super) call: Option<&'a GrpcCall>,
    pub(super) server: &'a Server,
    pub(super) redaction: &'a QueryRedaction,
    pub(super) counters: &'a Counters,
}

impl Description<'_> {
    pub(super) fn span_name(&self) -> Cow<'static, str> {
        match self.call {
            Some(call) => call.span_name(),
            None => match self.request.route() {
                Some(template) => intern::Route::of(template).span_name(&self.method),
                None => self.method.span_name(None),
            },
        }
    }

    pub(super) fn attributes(&self) -> Vec<KeyValue> {
        let mut list = Vec::with_capacity(CAPACITY);
        match self.call {
            Some(call) => list.extend(call.attributes()),
            None => self.http(&mut list),
        }
        let server = self.server.attributes().into_iter().flatten();
        list.extend(server.map(|(name, value)| KeyValue::new(name, value)));
        list
    }

    fn http(&self, list: &mut Vec<KeyValue>) {
        let request = self.request;
        list.push(KeyValue::new(
            semconv::HTTP_REQUEST_METHOD,
            self.method.to_value(),
        ));
        if matches!(self.method, Method::Other) {
            let sent = kept(request.method(), limits::MAX_TEXT, self.counters);
            list.push(KeyValue::new(semconv::HTTP_REQUEST_METHOD_ORIGINAL, sent));
        }
        let resends = request.resend_count();
        if resends > 0 {
            list.push(KeyValue::new(
                semconv::HTTP_REQUEST_RESEND_COUNT,
                i64::from(resends),
            ));
        }
        list.push(KeyValue::new(semconv::URL_FULL, self.url()));
        if let Some(template) = request.route() {
            list.push(KeyValue::new(
                semconv::URL_TEMPLATE,
                intern::Route::of(template).value(),
            ));
        }
    }

    /// `url.full`: without credentials, the query redacted, within the limit.
    fn url(&self) -> String {
        let request = self.request;
        let authority = request.authority().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let credentials = if host.len() < authority.len() {
            "REDACTED:REDACTED@"
        } else {
            ""
        };
        let head = [scheme(request), "://", credentials, host, request.path()];
        let url = match request.query() {
            Some(query) => {
                let query = self.redaction.query(query);
                let parts = head.into_iter().chain(["?", &*query]);
                parts.collect::<String>()
            }
            None => head.concat(),
        };
        match limits::field(&url, limits::MAX_TEXT) {
            (Cow::Borrowed(whole), false) if whole.len() == url.len() => url,
            (cut, over_limit) => {
                self.counters.over_limit(u32::from(over_limit));
                cut.into_owned()
            }
        }
    }
}

fn kept(text: &str, max: usize, counters: &Counters) -> String {
    let (kept, over_limit) = limits::field(text, max);
    counters.over_limit(u32::from(over_limit));
    kept.into_owned()
}

/// Who answered.
pub(super) fn peer(peer: SocketAddr) -> [KeyValue; 2] {
    let address = peer::text(peer.ip().to_canonical());
    [
        KeyValue::new(semconv::NETWORK_PEER_ADDRESS, Value::String(address)),
        KeyValue::new(semconv::NETWORK_PEER_PORT, i64::from(peer.port())),
    ]
}
