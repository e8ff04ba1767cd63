//! The `sw8` that goes out.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider,
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace_core::{Injection, TraceProtocol};
use rum_trace_propagation::Sw8;
use rum_trace_propagation::sw8::{self, Sw8Parts};

use crate::support::*;
use crate::{names, sent};

#[test]
fn sw8_goes_on_with_its_own_id_and_ours_as_the_parent() {
    let injection = Injection::to_own_service()
        .service("checkout")
        .instance("checkout-1")
        .endpoint("/pay/{id}")
        .peer("stock.internal:8080");
    let came_in = Sw8::parse(SW8.as_bytes()).expect("valid");
    let (headers, span) = sent(&[("sw8", SW8)], injection);
    let out = Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
    assert_eq!(out.trace_id(), came_in.trace_id());
    let span_id = sw8::otel_span_id(out.segment_id(), out.span_id());
    assert_eq!(span_id.to_string(), span.span_id().to_string());
    assert!(out.sampled());
    assert_eq!((out.service(), out.instance()), ("checkout", "checkout-1"));
    assert_eq!(
        (out.endpoint(), out.peer()),
        ("/pay/{id}", "stock.internal:8080")
    );

    // What came in by W3C has no other text than its digits.
    let sw8 = Injection::to_own_service().protocol(TraceProtocol::Sw8);
    let (headers, span) = sent(&[("traceparent", TRACEPARENT)], sw8);
    let out = Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
    assert_eq!(out.trace_id(), TRACE);
    assert_eq!(out.otel_parent_id().to_string(), span.span_id().to_string());
    assert_eq!((out.service(), out.endpoint()), ("unknown", "/"));
}

#[test]
fn the_text_of_an_sw8_beside_w3c_goes_on_if_it_is_the_same_trace() {
    let javas = Sw8::parse(SW8.as_bytes()).expect("valid");
    let same = format!("00-{SW8_TRACE}-{SPAN}-01");
    let table = [(&*same, javas.trace_id()), (TRACEPARENT, TRACE)];
    for (traceparent, text) in table {
        let came_in = [("traceparent", traceparent), ("sw8", SW8)];
        let to = Injection::to_own_service().protocol(TraceProtocol::Both);
        let (headers, span) = sent(&came_in, to);
        let out = Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
        assert_eq!(out.trace_id(), text);
        assert_eq!(out.otel_trace_id().to_string(), span.trace_id().to_string());
        assert_eq!(out.otel_parent_id().to_string(), span.span_id().to_string());
    }
}

#[test]
fn a_trace_id_that_leaves_no_room_goes_on_as_the_digits_it_maps_to() {
    let javas = Sw8::parse(SW8.as_bytes()).expect("valid");
    for (bytes, as_it_came) in [(1_024, true), (1_025, false), (6_000, false)] {
        let trace_id = "x".repeat(bytes);
        let came_in = Sw8Parts {
            trace_id: &trace_id,
            ..javas.parts()
        };
        let long = "y".repeat(10_000);
        let to = Injection::to_own_service().endpoint(&long);
        let (headers, span) = sent(&[("sw8", &came_in.encode())], to);
        let out = Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
        let digits = span.trace_id().to_string();
        let expected = if as_it_came { &trace_id } else { &digits };
        assert_eq!(out.trace_id(), expected, "{bytes}");
        assert!(headers["sw8"].len() < sw8::MAX_LEN, "{bytes}");
    }
}

#[test]
fn sw8_of_an_unsampled_request_says_so() {
    let unsampled = TRACEPARENT.replace("-01", "-00");
    let sw8 = Injection::to_third_party().protocol(TraceProtocol::Sw8);
    let (headers, _) = sent(&[("traceparent", &unsampled)], sw8);
    assert!(headers["sw8"].starts_with("0-"), "{headers:?}");
}

#[test]
fn a_trace_that_began_in_between_does_not_get_the_callers_id() {
    let harness = Harness::new();
    let active = harness
        .instrumenter
        .start(&Request::get("/").header("sw8", SW8));
    let provider = SdkTracerProvider::default();
    let tracer = provider.tracer("other");
    let own = tracer.start_with_context("root", &Context::new());
    let cx = active.context().with_span(own);
    let mut headers = HashMap::new();
    Injection::to_own_service().inject(&cx, &mut headers);
    // Nor its protocol: nobody knows who is behind it.
    assert_eq!(names(&headers), ["traceparent"]);
    let sw8 = Injection::to_own_service().protocol(TraceProtocol::Sw8);
    let mut headers = HashMap::new();
    sw8.inject(&cx, &mut headers);
    let out = Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
    assert_eq!(
        out.trace_id(),
        cx.span().span_context().trace_id().to_string()
    );
}

#[test]
fn sw8_tells_which_endpoint_calls() {
    let parent: &[(&str, &str)] = &[("sw8", SW8)];
    let w3c: &[(&str, &str)] = &[("traceparent", TRACEPARENT)];
    let grpc: &[(&str, &str)] = &[("sw8", SW8), ("content-type", "application/grpc")];
    let (own, third) = (Injection::to_own_service(), Injection::to_third_party());
    let sw8 = |injection: Injection<'static>| injection.protocol(TraceProtocol::Sw8);
    // what came in, method, route, whether a host is said to read sw8, where to; endpoint
    let table = [
        (
            parent,
            "GET",
            Some("/items/{id}"),
            false,
            sw8(own),
            "GET /items/{id}",
        ),
        (parent, "GET", None, false, sw8(own), "/items/42"),
        (
            grpc,
            "POST",
            Some("/shop.Stock/{*rest}"),
            false,
            sw8(own),
            "/items/42",
        ),
        (
            parent,
            "GET",
            Some("/items/{id}"),
            false,
            sw8(own).endpoint("mine"),
            "mine",
        ),
        (parent, "GET", Some("/items/{id}"), false, sw8(third), "/"),
        (
            w3c,
            "GET",
            Some("/items/{id}"),
            true,
            sw8(own),
            "GET /items/{id}",
        ),
        // Nobody was to be told: it costs nothing then.
        (w3c, "GET", Some("/items/{id}"), false, sw8(own), "/"),
    ];
    for (headers, method, route, says, injection, endpoint) in table {
        let harness = Harness::with(|builder| match says {
            true => builder.protocol_to("stock", TraceProtocol::Both),
            false => builder,
        });
        let mut request = Request::new(method, "/items/42?secret=1");
        request.route = route.map(str::to_owned);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let (headers, _) = injected(&harness, &request, injection);
        let out = Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
        assert_eq!(out.endpoint(), endpoint, "{request:?}");
    }
}

proptest::proptest! {
    /// As the Collector's SkyWalking receiver maps it.
    #[test]
    fn every_pair_of_ids_comes_back_from_our_sw8(trace in 1..u128::MAX, span in 1..u64::MAX) {
        let context = SpanContext::new(
            trace.into(),
            span.into(),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        );
        let cx = Context::new().with_remote_span_context(context);
        let mut headers = HashMap::new();
        let sw8 = Injection::to_own_service().protocol(TraceProtocol::Sw8);
        sw8.inject(&cx, &mut headers);
        let out = Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
        proptest::prop_assert_eq!(out.otel_trace_id().to_bytes(), trace.to_be_bytes());
        proptest::prop_assert_eq!(out.otel_parent_id().to_bytes(), span.to_be_bytes());
    }
}
