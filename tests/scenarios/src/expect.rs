//! What must be seen of a request: all of its span, and its part in the
//! metrics. The same for each framework.

use std::collections::{BTreeMap, HashMap, VecDeque};

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;

use crate::Framework;
use crate::metrics::{self, Instrument, Labels, Metrics, Point};
use crate::wire::{Caller, HOST, PORT, Protocol};

/// Attributes whose value no test can know.
const FREE: [&str; 2] = ["network.peer.port", "rum.response.time_to_first_byte"];

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
    further: BTreeMap<&'static str, String>,
    labels: Labels,
    links: usize,
    recorded: bool,
    request_size: u64,
    response_size: Size,
}

/// How many bytes of a response body are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// So many.
    Exactly(u64),
    /// The client went away on the way: as many as the server took.
    Open,
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
            request_size: 0,
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

    /// In this protocol; otherwise in HTTP/1.1.
    #[must_use]
    pub fn over(mut self, protocol: Protocol) -> Self {
        self.version = match protocol {
            Protocol::Http1 => "1.1",
            Protocol::Http2 => "2",
        };
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
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.further.insert(name, value.into());
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
        self.request_size = bytes as u64;
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
            ("network.peer.port", Some("any")),
            ("network.protocol.version", Some(self.version)),
            (
                "rum.response.time_to_first_byte",
                self.status.map(|_| "any"),
            ),
            ("server.address", Some(HOST)),
            ("server.port", Some(&port)),
            ("url.path", Some(path)),
            ("url.query", query),
            ("url.scheme", Some("http")),
        ];
        let present = present
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let further = self.further.iter();
        present
            .chain(further.map(|(name, value)| ((*name).to_owned(), value.clone())))
            .collect()
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

    /// The size of the request's body, if the framework knows it.
    fn request_size(&self, framework: Framework) -> Option<u64> {
        let is_told = self.request_size > 0
            || self.version != "2"
            || framework.knows_empty_http2_bodies();
        is_told.then_some(self.request_size)
    }
}

/// Checks spans, and puts them into the order of what is expected.
///
/// # Panics
///
/// If they are not as expected.
#[must_use]
pub fn spans(expected: &[Expected], found: Vec<SpanData>) -> Vec<SpanData> {
    let mut by_parent: HashMap<String, VecDeque<SpanData>> = HashMap::new();
    for span in found {
        let same_parent = by_parent.entry(span.parent_span_id.to_string());
        same_parent.or_default().push_back(span);
    }
    let recorded = expected.iter().filter(|expected| expected.recorded);
    let in_order = recorded.map(|expected| {
        let span = by_parent.get_mut(&expected.parent());
        let span = span.and_then(VecDeque::pop_front);
        let span = span.unwrap_or_else(|| panic!("no span for {expected:?}"));
        check_span(expected, &span);
        span
    });
    in_order.collect()
}

fn check_span(expected: &Expected, span: &SpanData) {
    assert_eq!(span.name, expected.span_name(), "{expected:?}");
    assert_eq!(span.span_kind, SpanKind::Server, "{expected:?}");
    let status = match expected.error_type {
        Some(_) => Status::error(""),
        None => Status::Unset,
    };
    assert_eq!(attributes(span), expected.span_attributes(), "{expected:?}");
    assert_eq!(span.status, status, "{expected:?}");
    assert_eq!(span.parent_span_is_remote, expected.caller.is_some());
    if let Some((trace, _)) = &expected.caller {
        assert_eq!(span.span_context.trace_id().to_string(), *trace);
    }
    assert_eq!(span.links.len(), expected.links, "{expected:?}");
    assert!(span.events.is_empty(), "{span:?}");
    assert!(span.start_time <= span.end_time, "{span:?}");
}

/// A span's attributes as text.
///
/// # Panics
///
/// If one is there twice.
#[must_use]
pub fn attributes(span: &SpanData) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    for pair in &span.attributes {
        let name = pair.key.to_string();
        let value = match FREE.contains(&&*name) {
            true => "any".to_owned(),
            false => pair.value.as_str().into_owned(),
        };
        let before = attributes.insert(name, value);
        assert!(before.is_none(), "{} is there twice: {span:?}", pair.key);
    }
    attributes
}

/// Checks the metrics of all requests since the start.
///
/// # Panics
///
/// If they are not as expected.
pub fn metrics(framework: Framework, expected: &[Expected], found: &Metrics) {
    let duration = found.get(metrics::DURATION);
    let counted = expected.iter().map(|e| (e.metric_labels(), Some(0)));
    assert_eq!(counts(&duration), counts(&sums(counted)), "durations");

    let active = found.get(metrics::ACTIVE);
    let zeros = expected
        .iter()
        .map(|e| (e.active_labels(), Point::default()));
    assert_eq!(active.series, zeros.collect(), "active requests");

    let request = found.get(metrics::REQUEST_SIZE);
    let sizes = expected.iter().filter_map(|e| {
        let size = e.request_size(framework)?;
        Some((e.metric_labels(), Some(size)))
    });
    assert_eq!(request.series, sums(sizes).series, "request sizes");

    // Before there is a response it has no size.
    let answered = expected.iter().filter(|e| e.status.is_some());
    let sizes = answered.map(|e| match e.response_size {
        Size::Exactly(bytes) => (e.metric_labels(), Some(bytes)),
        Size::Open => (e.metric_labels(), None),
    });
    check_sizes(&found.get(metrics::RESPONSE_SIZE), sizes.collect());
}

fn check_sizes(found: &Instrument, expected: Vec<(Labels, Option<u64>)>) {
    let all = sums(expected.clone().into_iter());
    assert_eq!(counts(found), counts(&all), "response sizes");
    for (labels, point) in &all.series {
        let mut same = expected.iter().filter(|(other, _)| other == labels);
        if same.all(|(_, size)| size.is_some()) {
            assert_eq!(found.series[labels].sum, point.sum, "{labels:?}");
        }
    }
}

/// What a histogram holds that was given these values.
fn sums(values: impl Iterator<Item = (Labels, Option<u64>)>) -> Instrument {
    let mut instrument = Instrument::default();
    for (labels, value) in values {
        let point: &mut Point = instrument.series.entry(labels).or_default();
        point.count += 1;
        point.sum += value.unwrap_or_default() as f64;
    }
    instrument
}

fn counts(instrument: &Instrument) -> BTreeMap<Labels, u64> {
    let series = instrument.series.iter();
    series
        .map(|(labels, point)| (labels.clone(), point.count))
        .collect()
}
