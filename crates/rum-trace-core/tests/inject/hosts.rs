//! What goes to which host.

use std::collections::HashMap;

use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace_core::{BuildError, Injection, Instrumenter, TraceProtocol};
use rum_trace_propagation::Sw8;

use crate::names;
use crate::support::*;

const ALL: [&str; 5] = Injection::HEADERS;

#[test]
fn the_builder_says_whose_a_host_is() {
    let instrumenter = Instrumenter::builder()
        .own_host("*.shop.example")
        .own_host("partner.example")
        .protocol_to("legacy.shop.example", TraceProtocol::Sw8)
        .protocol_to("*.shop.example", TraceProtocol::Both)
        .service("checkout", "checkout-1")
        .build()
        .expect("the settings are right");
    let rum = ("tracestate", "rum=v2&browser&p&s&u");
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let request = request.header(rum.0, rum.1).header("baggage", "a=1");
    let active = instrumenter.start(&request);
    let provider = SdkTracerProvider::default();
    let span = provider
        .tracer("t")
        .start_with_context("span", active.context());
    let cx = active.context().with_span(span);
    let own = ["baggage", "traceparent", "tracestate"];
    let table: [(&str, &[&str]); 7] = [
        ("partner.example:443", &own),
        ("localhost:3000", &own),
        ("[::1]:3000", &own),
        (
            "legacy.shop.example",
            &["sw8", "sw8-correlation", "tracestate"],
        ),
        (
            "api.shop.example:80",
            &[
                "baggage",
                "sw8",
                "sw8-correlation",
                "traceparent",
                "tracestate",
            ],
        ),
        ("shop.example", &[]),
        ("payments.example.org", &[]),
    ];
    for (authority, expected) in table {
        let injection = instrumenter.injection(authority);
        let mut headers = HashMap::new();
        injection.inject(&cx, &mut headers);
        assert_eq!(names(&headers), expected, "{authority}");
        assert_eq!(injection.is_wanted(), !expected.is_empty(), "{authority}");
        assert!(names(&headers).iter().all(|name| ALL.contains(name)));
        if let Some(value) = headers.get("sw8") {
            let sw8 = Sw8::parse(value.as_bytes()).expect("valid");
            assert_eq!((sw8.service(), sw8.instance()), ("checkout", "checkout-1"));
            assert_eq!(sw8.peer(), authority);
        }
    }
}

#[test]
fn a_host_with_two_names_gets_what_both_may_have() {
    let instrumenter = Instrumenter::builder()
        .trace_third_parties(true)
        .build()
        .expect("settings are right");
    let own = instrumenter.injection("stock.internal");
    let third = instrumenter.injection("pay.example");
    let nothing = Instrumenter::default();
    let stranger = nothing.injection("pay.example");
    let harness = Harness::new();
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM);
    let table = [
        (own.limited_by(own), &["traceparent", "tracestate"][..]),
        (own.limited_by(third), &["traceparent"]),
        (third.limited_by(own), &["traceparent"]),
        (own.limited_by(stranger), &[]),
        (stranger.limited_by(own), &[]),
    ];
    for (injection, expected) in table {
        let (headers, _) = injected(&harness, &request, injection);
        assert_eq!(names(&headers), expected, "{injection:?}");
    }
}

#[test]
fn third_parties_get_the_trace_if_asked_and_nothing_of_the_client() {
    let builder = || Instrumenter::builder().trace_third_parties(true);
    let instrumenter = builder()
        .internal_hosts_are_own(false)
        .build()
        .expect("right");
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let request = request.header("tracestate", "a=1,rum=v2&browser&p&s&u");
    let active = instrumenter.start(&request.header("baggage", "a=1"));
    let provider = SdkTracerProvider::default();
    let span = provider
        .tracer("t")
        .start_with_context("span", active.context());
    let cx = active.context().with_span(span);
    for authority in ["payments.example.org", "localhost"] {
        let mut headers = HashMap::new();
        instrumenter.injection(authority).inject(&cx, &mut headers);
        assert_eq!(
            names(&headers),
            ["traceparent", "tracestate"],
            "{authority}"
        );
        assert_eq!(headers["tracestate"], "a=1");
    }
}

#[test]
fn credentials_in_a_url_are_not_told() {
    let instrumenter = Instrumenter::builder()
        .protocol_to("localhost", TraceProtocol::Sw8)
        .build()
        .expect("settings are right");
    let harness = Harness::new();
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let active = harness.instrumenter.start(&request);
    let mut headers = HashMap::new();
    let to = instrumenter.injection("user:pass@localhost:3000");
    to.inject(active.context(), &mut headers);
    let sw8 = Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
    assert_eq!(sw8.peer(), "localhost:3000");
    // Who stands before the @ is not who is called.
    assert!(!instrumenter.injection("localhost@evil.example").is_wanted());
}

#[test]
fn what_is_no_host_is_an_error_that_says_how_to_write_one() {
    for host in ["https://shop.example", "shop.example:80", ""] {
        let error = Instrumenter::builder()
            .own_host(host)
            .build()
            .expect_err(host);
        assert_eq!(
            error,
            BuildError::InvalidHost {
                host: host.to_owned()
            }
        );
        let to = Instrumenter::builder().protocol_to(host, TraceProtocol::Sw8);
        assert_eq!(to.build().expect_err(host), error);
        assert!(error.to_string().contains("*.shop.example"), "{error}");
    }
}
