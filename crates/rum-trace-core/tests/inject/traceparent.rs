//! The `traceparent`, and which protocol the trace goes on in.

use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::{Injection, TraceProtocol};

use crate::support::*;
use crate::{names, own, sent};

#[test]
fn a_trace_goes_on_in_the_protocol_that_it_came_in() {
    let b3 = format!("{TRACE}-00f067aa0ba902b7-1");
    let jaeger = format!("{TRACE}:00f067aa0ba902b7:0:1");
    let table: [(&str, &[(&str, &str)], &[&str]); 5] = [
        ("none", &[], &["traceparent"]),
        ("W3C", &[("traceparent", TRACEPARENT)], &["traceparent"]),
        ("sw8", &[("sw8", SW8)], &["sw8"]),
        ("b3", &[("b3", &b3)], &["traceparent"]),
        ("Jaeger", &[("uber-trace-id", &jaeger)], &["traceparent"]),
    ];
    for (name, headers, expected) in table {
        assert_eq!(
            names(&sent(headers, Injection::to_own_service()).0),
            expected,
            "{name}"
        );
        let both = Injection::to_third_party().protocol(TraceProtocol::Both);
        assert_eq!(
            names(&sent(headers, both).0),
            ["sw8", "traceparent"],
            "{name}"
        );
        let sw8 = Injection::to_third_party().protocol(TraceProtocol::Sw8);
        assert_eq!(names(&sent(headers, sw8).0), ["sw8"], "{name}");
    }
}

#[test]
fn an_sw8_caller_goes_on_in_w3c_where_that_is_asked_for() {
    let w3c = Injection::to_own_service().protocol(TraceProtocol::W3c);
    let (mut headers, _) = sent(&[("sw8", SW8)], w3c);
    let traceparent = headers.remove("traceparent").expect("a parent");
    assert!(
        traceparent.starts_with(&format!("00-{SW8_TRACE}-")),
        "{traceparent}"
    );
    assert!(traceparent.ends_with("-01"), "{traceparent}");
    assert!(headers.is_empty(), "{headers:?}");
}

#[test]
fn each_span_has_an_id_of_its_own() {
    let harness = Harness::new();
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let (headers, span) = injected(&harness, &request, Injection::to_third_party());
    assert_eq!(
        headers["traceparent"],
        format!("00-{TRACE}-{}-01", span.span_id())
    );
    assert_ne!(span.span_id().to_string(), SPAN);
}

#[test]
fn flags_go_on() {
    let table = [
        ("00", "00"),
        ("01", "01"),
        ("02", "02"),
        ("03", "03"),
        ("ff", "03"),
        ("fc", "00"),
    ];
    for (came_in, goes_out) in table {
        let harness = Harness::new();
        let traceparent = format!("00-{TRACE}-{SPAN}-{came_in}");
        let request = Request::get("/").header("traceparent", traceparent);
        let (traceparent, _) = own(&harness, &request);
        let flags = traceparent.expect("a parent");
        assert!(
            flags.ends_with(&format!("-{goes_out}")),
            "{came_in}: {flags}"
        );
    }
}

#[test]
fn a_sampler_that_says_no_keeps_the_random_flag() {
    let harness = Harness::sampling(Sampler::AlwaysOff);
    let request = Request::get("/").header("traceparent", format!("00-{TRACE}-{SPAN}-03"));
    let (traceparent, _) = own(&harness, &request);
    assert!(traceparent.expect("a parent").ends_with("-02"));
}

#[test]
fn the_trace_goes_on_when_the_provider_is_shut_down() {
    let harness = Harness::new();
    harness.provider.shutdown().expect("shut down");
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", "foo=1");
    let (traceparent, list) = own(&harness, &request);
    assert_eq!(
        traceparent.as_deref(),
        Some(TRACEPARENT),
        "from the caller's span"
    );
    assert_eq!(list.as_deref(), Some("foo=1"));
}
