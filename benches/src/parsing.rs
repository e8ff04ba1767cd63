//! Reading a request's headers, ours and the peers', from the same input.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rum_trace_bench_harness::captures::browser as captured;
use rum_trace_propagation::rum::RumField;
use rum_trace_propagation::{RumFields, Sw8, TraceParent, TraceState};
use skywalking::trace::propagation::decoder::decode_propagation;
use std::hint::black_box;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// One side of a comparison: a name and one operation.
pub struct Side {
    pub name: &'static str,
    pub run: Box<dyn Fn()>,
}

impl Side {
    fn new(name: &'static str, run: impl Fn() + 'static) -> Self {
        Self {
            name,
            run: Box::new(run),
        }
    }
}

/// Our work beside a peer's, and how much of the peer's time ours may take,
/// where that was promised; the others are there to be known.
pub struct Comparison {
    pub ours: Side,
    pub peer: Side,
    pub limit: Option<f64>,
}

/// All comparisons, in the order in which they are printed.
pub fn comparisons() -> Vec<Comparison> {
    let row = |ours, peer, limit| Comparison { ours, peer, limit };
    vec![
        // The propagator as services call it. Ours has the values at hand, since
        // one pass over the headers finds them along with everything else.
        row(w3c_values(), opentelemetry_sdk(), Some(0.10)),
        // The stricter ones: neither side looks up anything, or both do.
        row(w3c_values(), opentelemetry_sdk_values(), None),
        row(w3c(), opentelemetry_sdk(), None),
        row(w3c_with_rum(), opentelemetry_sdk(), None),
        row(sw8(), skywalking(), Some(0.50)),
        row(sw8_mapped(), skywalking(), None),
    ]
}

/// Both headers parsed and checked, as the SDK's propagator does: from their
/// values, so that neither side pays for finding them.
fn w3c_values() -> Side {
    let values = Values::captured();
    Side::new("traceparent + tracestate, from their values", move || {
        let values = black_box(&values);
        black_box(TraceParent::parse(values.traceparent.as_bytes())).expect("legal");
        black_box(TraceState::parse(values.tracestate.as_bytes())).expect("legal");
    })
}

fn opentelemetry_sdk_values() -> Side {
    let values = Values::captured();
    let propagator = TraceContextPropagator::new();
    Side::new("TraceContextPropagator, from their values", move || {
        black_box(propagator.extract(black_box(&values)));
    })
}

fn w3c() -> Side {
    let headers = browser_headers();
    Side::new("traceparent + tracestate, from a header map", move || {
        let headers = black_box(&headers);
        black_box(read_parent(headers));
        let list = TraceState::parse_fields(all(headers, &TRACESTATE));
        black_box(list.expect("a captured list is legal"));
    })
}

fn w3c_with_rum() -> Side {
    let headers = browser_headers();
    Side::new("traceparent + RUM fields, from a header map", move || {
        let headers = black_box(&headers);
        black_box((read_parent(headers), read_rum(headers)));
    })
}

fn opentelemetry_sdk() -> Side {
    let headers = browser_headers();
    let propagator = TraceContextPropagator::new();
    Side::new("TraceContextPropagator, from a header map", move || {
        black_box(propagator.extract(&HeaderExtractor(black_box(&headers))));
    })
}

/// The two values, as cheap to extract from as can be.
struct Values {
    traceparent: String,
    tracestate: String,
}

impl Values {
    fn captured() -> Self {
        let headers = captured("w3c_fetch");
        let value = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| name == wanted);
            found.expect("the capture has it").1.clone()
        };
        Values {
            traceparent: value("traceparent"),
            tracestate: value("tracestate"),
        }
    }
}

impl Extractor for Values {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(&self.traceparent),
            "tracestate" => Some(&self.tracestate),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

fn sw8() -> Side {
    let value = browser_sw8();
    Side::new("sw8", move || {
        black_box(read_sw8(black_box(&value)));
    })
}

fn sw8_mapped() -> Side {
    let value = browser_sw8();
    Side::new("sw8 + ids mapped", move || {
        let header = read_sw8(black_box(&value));
        black_box((header.otel_trace_id(), header.otel_parent_id()));
        black_box(header);
    })
}

fn skywalking() -> Side {
    let value = browser_sw8();
    Side::new("skywalking decode_propagation", move || {
        let header = decode_propagation(black_box(&value));
        black_box(header.expect("a captured header is legal"));
    })
}

/// As in a server, a second `traceparent` would make the first one invalid.
fn read_parent(headers: &HeaderMap) -> TraceParent {
    let mut parents = headers.get_all(&TRACEPARENT).iter();
    let parent = parents.next().filter(|_| parents.next().is_none());
    let parent = parent.expect("the capture has one traceparent");
    TraceParent::parse(parent.as_bytes()).expect("a captured traceparent is legal")
}

/// The RUM fields, with each of their values looked at.
fn read_rum(headers: &HeaderMap) -> usize {
    let fields = RumFields::read(all(headers, &TRACESTATE), all(headers, &BAGGAGE));
    let found = [
        &fields.version,
        &fields.app_type,
        &fields.app_id,
        &fields.session_id,
        &fields.user_id,
    ];
    let found = found.into_iter().flatten();
    found.map(RumField::value).map(str::len).sum()
}

fn all<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes)
}

fn read_sw8(value: &str) -> Sw8 {
    Sw8::parse(value.as_bytes()).expect("a captured header is legal")
}

/// A browser's request as a server sees it: the trace headers among others.
fn browser_headers() -> HeaderMap {
    let usual = [
        ("host", "shop.example.com"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
        ),
        ("accept", "*/*"),
        ("accept-encoding", "gzip, deflate, br"),
        ("content-type", "application/json"),
        ("origin", "https://shop.example.com"),
    ];
    let usual = usual.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let both = usual.into_iter().chain(captured("w3c_fetch"));
    both.map(|(name, value)| (name.parse::<HeaderName>(), value.parse::<HeaderValue>()))
        .map(|(name, value)| (name.expect("a name"), value.expect("a value")))
        .collect()
}

fn browser_sw8() -> String {
    let found = captured("sw8_fetch")
        .into_iter()
        .find(|(name, _)| name == "sw8");
    found.expect("the capture has the header").1
}
