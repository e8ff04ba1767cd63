//! What must be seen of a request: all of its span, and its part in the
//! metrics. The same for each framework.

mod metrics;
mod span;

use std::collections::BTreeMap;

use opentelemetry::trace::SpanId;

use crate::metrics::Labels;
use crate::wire::{Caller, HOST, PORT, Protocol};

pub use metrics::check_metrics;
pub use span::{ANY, TIME_TO_FIRST_BYTE, attributes, check_spans, time_to_first_byte};

/// A request as it must be seen.
#[derive(Clone, Debug)]
pub struct Expected {
    name: Option<String>,
    caller: Option<(String, String)>,
    method: &'static str,
    target: String,
    version: &'static str,
    route: Option<&'static str>,
    status: Option<u16>,
    error_type: Option<&'static str>,
    further: BTreeMap<String, String>,
    labels: Labels,
    links: usize,
    recorded: bool,
    request_size: Option<u64>,
    response_size: Size,
}

/// How many bytes of a response body are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// So many.
    Exactly(u64),
    /// The client went away on the way: as many as the server took.
    Open,
    /// None: the body goes another way.
    Unseen,
}

impl Expected {
    /// A request that is answered with 200 and no body.
    #[must_use]
    pub fn new(method: &'static str, target: &str) -> Self {
        Expected {
            name: None,
            caller: None,
            method,
            target: target.to_owned(),
            version: "1.1",
            route: None,
            status: Some(200),
            error_type: None,
            further: BTreeMap::new(),
            labels: Labels::new(),
            links: 0,
            recorded: true,
            request_size: None,
            response_size: Size::Exactly(0),
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Expected::new("GET", target)
    }

    /// The child of this caller's span.
    #[must_use]
    pub fn from(self, caller: Caller) -> Self {
        self.child_of(&caller.trace_id(), &caller.span_id())
    }

    /// The child of the span with these ids; without, it is a root.
    #[must_use]
    pub fn child_of(mut self, trace_id: &str, span_id: &str) -> Self {
        self.caller = Some((trace_id.to_owned(), span_id.to_owned()));
        self
    }

    /// With this method instead.
    #[must_use]
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// The first span of its trace.
    #[must_use]
    pub fn root(mut self) -> Self {
        self.caller = None;
        self
    }

    /// In this version of HTTP.
    #[must_use]
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// In this protocol; otherwise in HTTP/1.1.
    #[must_use]
    pub fn over(mut self, protocol: Protocol) -> Self {
        self.version = protocol.version();
        self
    }

    /// On this route.
    #[must_use]
    pub fn route(mut self, route: &'static str) -> Self {
        self.route = Some(route);
        self
    }

    /// Answered with this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Ended before there was an answer.
    #[must_use]
    pub fn no_status(mut self) -> Self {
        self.status = None;
        self
    }

    /// Failed like this.
    #[must_use]
    pub fn error(mut self, error_type: &'static str) -> Self {
        self.error_type = Some(error_type);
        self
    }

    /// With a further attribute on the span, or with another value than usual.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.further.insert(name.to_owned(), value.into());
        self
    }

    /// With a further label on all metrics but the active requests.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Named otherwise than by method and route.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Not sampled: in the metrics, but without a span.
    #[must_use]
    pub fn unsampled(mut self) -> Self {
        self.recorded = false;
        self
    }

    pub(crate) fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// With so many links.
    #[must_use]
    pub fn links(mut self, links: usize) -> Self {
        self.links = links;
        self
    }

    /// With so many bytes in the request's body.
    #[must_use]
    pub fn sends(mut self, bytes: usize) -> Self {
        self.request_size = Some(bytes as u64);
        self
    }

    /// With so many bytes in the response's body.
    #[must_use]
    pub fn receives(mut self, bytes: usize) -> Self {
        self.response_size = Size::Exactly(bytes as u64);
        self
    }

    /// With as many bytes in the response's body as were taken before the
    /// client went away.
    #[must_use]
    pub fn receives_a_part(mut self) -> Self {
        self.response_size = Size::Open;
        self
    }

    /// With a body that does not pass the layer.
    #[must_use]
    pub fn receives_unseen(mut self) -> Self {
        self.response_size = Size::Unseen;
        self
    }

    fn span_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        match self.route {
            Some(route) => format!("{} {route}", self.method),
            None => self.method.to_owned(),
        }
    }

    fn span_attributes(&self) -> BTreeMap<String, String> {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*self.target, None),
        };
        let (port, status) = (PORT.to_string(), self.status.map(|s| s.to_string()));
        let present = [
            ("client.address", Some("127.0.0.1")),
            ("error.type", self.error_type),
            ("http.request.method", Some(self.method)),
            ("http.response.status_code", status.as_deref()),
            ("http.route", self.route),
            ("network.peer.address", Some("127.0.0.1")),
            ("network.peer.port", Some(ANY)),
            ("network.protocol.version", Some(self.version)),
            (TIME_TO_FIRST_BYTE, self.status.map(|_| ANY)),
            ("server.address", Some(HOST)),
            ("server.port", Some(&port)),
            ("url.path", Some(path)),
            ("url.query", query),
            ("url.scheme", Some("http")),
        ];
        let present = present
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        present.chain(self.further.clone()).collect()
    }

    fn metric_labels(&self) -> Labels {
        const SHARED: [&str; 6] = [
            "error.type",
            "http.request.method",
            "http.response.status_code",
            "http.route",
            "network.protocol.version",
            "url.scheme",
        ];
        let mut labels = self.span_attributes();
        labels.retain(|name, _| SHARED.contains(&&**name));
        labels.extend(self.labels.clone());
        labels
    }

    fn active_labels(&self) -> Labels {
        let mut labels = self.span_attributes();
        labels.retain(|name, _| matches!(&**name, "http.request.method" | "url.scheme"));
        labels
    }

    fn parent(&self) -> String {
        match &self.caller {
            Some((_, parent)) => parent.clone(),
            None => SpanId::INVALID.to_string(),
        }
    }
}
