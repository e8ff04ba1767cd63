//! What the client is told in the response.

mod support;

use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::{CORS_REQUEST_HEADERS, ServerTiming};
use support::{Harness, RUM, Request, TRACE, TRACEPARENT};

fn request() -> Request {
    Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM)
}

/// The header fields, and the span's id.
fn answered(harness: &Harness, request: &Request) -> (Vec<(&'static str, String)>, String) {
    let mut active = harness.instrumenter.start(request);
    active.on_response(&200);
    let mut fields = Vec::new();
    active.response_headers(&mut |name, value| fields.push((name, value.to_owned())));
    let span = active.span_context().span_id().to_string();
    active.finish();
    (fields, span)
}

#[test]
fn nothing_unless_asked_for() {
    assert!(answered(&Harness::new(), &request()).0.is_empty());
}

#[test]
fn the_server_span_in_the_form_asked_for() {
    for (form, prefix, suffix) in [
        (ServerTiming::Traceparent, "traceparent;desc=\"", "\""),
        (ServerTiming::Trace, "trace;desc=", ""),
    ] {
        for (sampler, flags) in [(Sampler::AlwaysOn, "01"), (Sampler::AlwaysOff, "00")] {
            let harness = Harness::sampling_with(sampler, |builder| builder.server_timing(form));
            let (fields, span) = answered(&harness, &request());
            let value = format!("{prefix}00-{TRACE}-{span}-{flags}{suffix}");
            let expected = [
                ("server-timing", value),
                ("access-control-expose-headers", "server-timing".to_owned()),
            ];
            assert_eq!(fields, expected);
        }
    }
}

#[test]
fn a_callers_span_is_not_shown_as_ours() {
    let harness = Harness::with(|builder| {
        builder
            .server_timing(ServerTiming::Traceparent)
            .skip("/healthz")
    });
    let request = Request::get("/healthz").header("traceparent", TRACEPARENT);
    assert!(answered(&harness, &request).0.is_empty());
}

#[test]
fn the_preflight_list_has_every_header_that_is_read() {
    for name in [
        "traceparent",
        "tracestate",
        "baggage",
        "sw8",
        "sw8-correlation",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "x-b3-flags",
        "uber-trace-id",
    ] {
        assert!(CORS_REQUEST_HEADERS.contains(&name), "{name}");
    }
    let lower_case = |name: &&str| **name == name.to_ascii_lowercase();
    assert!(CORS_REQUEST_HEADERS.iter().all(lower_case));
}
