//! A trace that came in, going on from the span of the request.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace_core::{Injection, Instrumenter, RequestInfo};
use rum_trace_e2e::captures::{self, Capture};
use rum_trace_e2e::expectations::{Expectation, Expectations, Value};
use rum_trace_e2e::ids;
use serde::Deserialize;

use crate::sent::meant;
use crate::{Meant, Sent};

struct Request<'a>(&'a [(String, String)]);

impl RequestInfo for Request<'_> {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in self.0 {
            visit(name, value.as_bytes());
        }
    }
}

/// What must go on of what came in.
struct Kept {
    /// The trace id's text; absent if a new trace begins.
    trace_id: Option<String>,
    sampled: bool,
    correlation: BTreeMap<String, String>,
}

/// What a service writes while it serves a request with these headers.
fn case(name: String, lines: &[(String, String)], kept: Kept) -> Sent {
    let provider = SdkTracerProvider::default();
    let builder = Instrumenter::builder().tracer_provider(&provider);
    let instrumenter = builder.build().expect("the settings are right");
    let request = Request(lines);
    let active = instrumenter.start(&request);
    let of_span = meant(active.context());
    let meant = Meant {
        sampled: kept.sampled,
        trace_id: kept.trace_id.unwrap_or_else(|| of_span.trace_id.clone()),
        correlation: kept.correlation,
        ..of_span
    };
    Sent::new(name, active.context(), Injection::to_own_service(), meant)
}

/// Each request that a real client sent.
pub(super) fn captures() -> Vec<Sent> {
    let expectations = Expectations::read();
    let case = |capture: &Capture| {
        let expected = expectations.of(&capture.case);
        let kept = Kept {
            trace_id: expected.continued.then(|| trace_id(capture, expected)),
            sampled: expected.sampled,
            correlation: correlation(capture),
        };
        let name = format!("capture {}", capture.case);
        case(name, &capture.headers, kept)
    };
    captures::all().iter().map(case).collect()
}

/// The text of the trace id: by `sw8` as it came in, otherwise the hex digits.
fn trace_id(capture: &Capture, expected: &Expectation) -> String {
    let raw = expected.attributes.get("sw8.trace_id");
    raw.and_then(Value::text)
        .unwrap_or_else(|| ids::of(capture, expected).trace_id)
}

/// The one capture that has pairs is of an agent that was told to send these.
fn correlation(capture: &Capture) -> BTreeMap<String, String> {
    let pair = ("session".to_owned(), "4f04d2f5".to_owned());
    let came_in = capture.header("sw8-correlation");
    came_in.into_iter().map(|_| pair.clone()).collect()
}

/// The part of `vectors/sw8-ids.json` that is about reading.
#[derive(Deserialize)]
struct Vectors {
    trace: Vec<Trace>,
    span: Vec<Span>,
}

#[derive(Deserialize)]
struct Trace {
    id: String,
}

#[derive(Deserialize)]
struct Span {
    segment: String,
    index: u32,
}

/// Ids of every shape that SkyWalking's agents write, and of shapes that are
/// refused: the trace id's text must go on as it is.
pub(super) fn vectors() -> Vec<Sent> {
    let vectors: Vectors = rum_trace_e2e::read_json("vectors/sw8-ids.json");
    let longest = "9".repeat(1_024);
    let strange = [
        " ",
        "a-b:c,d",
        "\u{8ba2}\u{5355}",
        "line\r\nbreak\0",
        &longest,
    ];
    let traces = vectors.trace.iter().map(|trace| &*trace.id).chain(strange);
    let traces: Vec<&str> = traces.collect();
    let (first, span) = (traces[0], &vectors.span[0]);
    let traces = traces.iter().map(|trace| (*trace, span));
    let spans = vectors.span.iter().skip(1).map(|span| (first, span));
    let both = |(trace, span)| [by_sw8(trace, span, false), by_sw8(trace, span, true)];
    let mut cases: Vec<Sent> = traces.chain(spans).flat_map(both).collect();
    cases.push(too_long());
    cases
}

fn by_sw8(trace_id: &str, span: &Span, sampled: bool) -> Sent {
    let name = format!(
        "came in as {trace_id:?}, segment {} {}, sampled {sampled}",
        span.segment, span.index
    );
    let kept = Kept {
        trace_id: Some(trace_id.to_owned()),
        sampled,
        correlation: BTreeMap::new(),
    };
    case(name, &[sw8(trace_id, span, sampled)], kept)
}

/// Nobody's id, and no room for it below the limit: the digits go on.
fn too_long() -> Sent {
    let span = Span {
        segment: "4f2f27748b8e44ecaf18fe0347194e86".to_owned(),
        index: 0,
    };
    let kept = Kept {
        trace_id: None,
        sampled: true,
        correlation: BTreeMap::new(),
    };
    let line = sw8(&"9".repeat(5_000), &span, true);
    case("came in as a text of 5,000 bytes".to_owned(), &[line], kept)
}

fn sw8(trace_id: &str, span: &Span, sampled: bool) -> (String, String) {
    let base64 = |text: &str| STANDARD.encode(text);
    let (trace_id, segment) = (base64(trace_id), base64(&span.segment));
    let (sample, index) = (u8::from(sampled), span.index);
    let names = ["web", "web-1", "/", "shop.example"].map(base64).join("-");
    let value = format!("{sample}-{trace_id}-{segment}-{index}-{names}");
    ("sw8".to_owned(), value)
}
