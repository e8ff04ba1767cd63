//! What goes to the next service.

mod support;

use std::collections::HashMap;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{TraceContextExt, TraceState, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue, trace::SpanContext};
use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::{BuildError, Carrier, Injection, Instrumenter, TraceProtocol};
use rum_trace_propagation::Sw8;
use rum_trace_propagation::sw8::{self, Sw8Parts, correlation};
use support::*;

fn own(harness: &Harness, request: &Request) -> (Option<String>, Option<String>) {
    let (mut headers, _) = injected(harness, request, Injection::to_own_service());
    (headers.remove("traceparent"), headers.remove("tracestate"))
}

#[test]
fn the_list_goes_on_in_order_and_untouched() {
    let table: [(&str, &[&str], Option<&str>); 9] = [
        ("none", &[], None),
        ("one", &["foo=1"], Some("foo=1")),
        (
            "split and padded",
            &["foo=1, ", "\tbar= 2"],
            Some("foo=1,bar= 2"),
        ),
        (
            "a RUM member in the middle",
            &["a=1,rum=v2&browser&p&s,b=2"],
            Some("a=1,rum=v2&browser&p&s,b=2"),
        ),
        ("keys of Level 2", &["a@b@c=1,@x=2"], None),
        (
            "keys the SDK refuses",
            &["a@b@c=1,k@averylongsystemid=2,z=3"],
            Some("a@b@c=1,k@averylongsystemid=2,z=3"),
        ),
        ("the first of duplicates", &["a=1,b=2,a=3"], Some("a=1,b=2")),
        ("an illegal member", &["a=1,B=2"], None),
        ("values with = are illegal", &["a=1,b=2=3"], None),
    ];
    for (name, lines, expected) in table {
        let harness = Harness::new();
        let request = Request::get("/").header("traceparent", TRACEPARENT);
        let request = lines
            .iter()
            .fold(request, |r, line| r.header("tracestate", line));
        let (traceparent, list) = own(&harness, &request);
        assert!(
            traceparent
                .expect("a parent")
                .starts_with(&format!("00-{TRACE}-")),
            "{name}"
        );
        assert_eq!(list.as_deref(), expected, "{name}");
        let refused = u64::from(expected.is_none() && !lines.is_empty());
        assert_eq!(
            harness.instrumenter.stats().tracestate_refused,
            refused,
            "{name}"
        );
    }
}

#[test]
fn nothing_is_carried_on_without_a_valid_traceparent() {
    for traceparent in [None, Some("00-bad")] {
        let harness = Harness::new();
        let mut request = Request::get("/").header("tracestate", "foo=1");
        if let Some(value) = traceparent {
            request = request.header("traceparent", value);
        }
        assert_eq!(own(&harness, &request).1, None);
        assert_eq!(harness.instrumenter.stats().tracestate_refused, 1);
    }
    // Android's member beside sw8 is not a list that anybody lost.
    let harness = Harness::new();
    let request = Request::get("/")
        .header("sw8", SW8)
        .header("tracestate", "foo=1");
    assert_eq!(own(&harness, &request).1, None);
    assert_eq!(harness.instrumenter.stats().tracestate_refused, 0);
}

#[test]
fn what_the_client_tells_goes_on_in_every_protocol() {
    const ANDROID: &str = "alibabacloud_rum=v2&android&pid&sid&uid";
    let several = format!("foo=1,{RUM},bar=2");
    let rum_baggage = "rum=v2,appType=browser,pid=p,sid=s,uid=u,theirs=1";
    type Headers<'a> = &'a [(&'a str, &'a str)];
    // what came in; tracestate to own services by W3C, by sw8; baggage by sw8
    let table: [(Headers<'_>, Option<&str>, Option<&str>, Option<&str>); 7] = [
        (
            &[("sw8", SW8), ("tracestate", ANDROID)],
            Some(ANDROID),
            Some(ANDROID),
            None,
        ),
        // A list without its traceparent is nobody's, but for the client's own.
        (
            &[("sw8", SW8), ("tracestate", &several)],
            Some(RUM),
            Some(RUM),
            None,
        ),
        (
            &[("traceparent", "00-bad"), ("tracestate", &several)],
            Some(RUM),
            Some(RUM),
            None,
        ),
        (&[("tracestate", RUM)], Some(RUM), Some(RUM), None),
        (&[("tracestate", "not a list, RUM=1")], None, None, None),
        (
            &[("traceparent", TRACEPARENT), ("tracestate", &several)],
            Some(&several),
            Some(RUM),
            None,
        ),
        (
            &[("traceparent", TRACEPARENT), ("baggage", rum_baggage)],
            None,
            None,
            Some("rum=v2,appType=browser,pid=p,sid=s,uid=u"),
        ),
    ];
    for (headers, w3c, by_sw8, baggage) in table {
        let own = |protocol| Injection::to_own_service().protocol(protocol);
        let (sent_w3c, _) = sent(headers, own(TraceProtocol::W3c));
        let (sent_sw8, _) = sent(headers, own(TraceProtocol::Sw8));
        let (sent_both, _) = sent(headers, own(TraceProtocol::Both));
        let found = |sent: &HashMap<String, String>, name| sent.get(name).cloned();
        let case = format!("{headers:?}");
        assert_eq!(found(&sent_w3c, "tracestate").as_deref(), w3c, "{case}");
        assert_eq!(found(&sent_both, "tracestate").as_deref(), w3c, "{case}");
        assert_eq!(found(&sent_sw8, "tracestate").as_deref(), by_sw8, "{case}");
        assert_eq!(found(&sent_sw8, "baggage").as_deref(), baggage, "{case}");
        assert!(!sent_sw8.contains_key("traceparent"), "{case}");
        // Third parties never learn of it.
        for protocol in [TraceProtocol::W3c, TraceProtocol::Sw8, TraceProtocol::Both] {
            let (sent, _) = sent(headers, Injection::to_third_party().protocol(protocol));
            let told =
                |(_, value): (&String, &String)| value.contains("rum") || value.contains("uid");
            assert!(!sent.iter().any(told), "{case}: {sent:?}");
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
fn rum_members_stay_at_home() {
    let request = Request::get("/").header("traceparent", TRACEPARENT).header(
        "tracestate",
        format!("a=1,{RUM},alibabacloud_rum=iOS/2/1_Custom,b=2"),
    );
    for harness in [
        Harness::new(),
        Harness::with(|b| b.rum_in_trace_state(false)),
    ] {
        let (headers, _) = injected(&harness, &request, Injection::to_third_party());
        assert_eq!(headers["tracestate"], "a=1,b=2");
        let (_, list) = own(&harness, &request);
        let expected = format!("a=1,{RUM},alibabacloud_rum=iOS/2/1_Custom,b=2");
        assert_eq!(list, Some(expected), "put back at their place");
    }
}

#[test]
fn the_span_context_can_do_without_the_rum_member() {
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", format!("a=1,{RUM}"));
    let harness = Harness::with(|b| b.rum_in_trace_state(false));
    let span = harness.serve(&request);
    assert_eq!(span.span_context.trace_state().header(), "a=1");
    assert_eq!(
        attributes(&span)["session.id"],
        "4f04d2f5",
        "known all the same"
    );
}

/// A span under the request's, whose trace state code in between has changed.
fn changed(request: &Request, change: impl Fn(&TraceState) -> TraceState) -> Option<String> {
    let harness = Harness::new();
    let active = harness.instrumenter.start(request);
    let before = active.span_context();
    let after = SpanContext::new(
        before.trace_id(),
        before.span_id(),
        before.trace_flags(),
        false,
        change(before.trace_state()),
    );
    let cx = active.context().with_remote_span_context(after);
    let mut headers = std::collections::HashMap::new();
    Injection::to_own_service().inject(&cx, &mut headers);
    active.finish();
    headers.remove("tracestate")
}

#[test]
fn what_is_added_or_changed_goes_left_and_what_is_taken_out_stays_out() {
    let list = format!("a=1,{RUM},b@c@d=2,e=5");
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", &list);
    let with = |key: &'static str, value: &'static str| {
        changed(&request, |state| state.insert(key, value).expect("legal"))
    };
    assert_eq!(with("ot", "th:8"), Some(format!("ot=th:8,{list}")));
    assert_eq!(with("e", "6"), Some(format!("e=6,a=1,{RUM},b@c@d=2")));
    let without = changed(&request, |state| state.delete("a").expect("legal"));
    assert_eq!(without, Some(format!("{RUM},b@c@d=2,e=5")));
}

#[test]
fn a_full_list_loses_its_last_member_to_a_new_one() {
    let list: Vec<String> = (0..32).map(|i| format!("k{i}=v")).collect();
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", list.join(","));
    let grown = changed(&request, |state| state.insert("new", "1").expect("legal"));
    assert_eq!(grown, Some(format!("new=1,{}", list[..31].join(","))));
}

#[test]
fn a_trace_of_ones_own_does_not_inherit_the_list() {
    let harness = Harness::new();
    let request = Request::get("/")
        .header("traceparent", format!("00-{TRACE}-{SPAN}-03"))
        .header("tracestate", RUM);
    let active = harness.instrumenter.start(&request);
    let tracer = harness.provider.tracer("test");
    let cx = active
        .context()
        .with_span(tracer.start_with_context("root", &Context::new()));
    let mut headers = std::collections::HashMap::new();
    Injection::to_own_service().inject(&cx, &mut headers);
    assert!(!headers["traceparent"].contains(TRACE));
    assert!(!headers.contains_key("tracestate"));
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
fn the_list_goes_on_whichever_carrier_of_the_trace_was_first() {
    let harness = Harness::with(|b| b.carriers([Carrier::B3, Carrier::W3c]));
    let request = Request::get("/")
        .header("b3", format!("{TRACE}-{SPAN}-1"))
        .header("traceparent", TRACEPARENT)
        .header("tracestate", "foo=1");
    assert_eq!(own(&harness, &request).1.as_deref(), Some("foo=1"));
    // A list of another trace is not this one's.
    let harness = Harness::with(|b| b.carriers([Carrier::Sw8, Carrier::W3c]));
    assert_eq!(own(&harness, &request.header("sw8", SW8)).1, None);
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

const ALL: [&str; 5] = Injection::HEADERS;

/// What goes out, by name, of a request that came with these headers.
fn sent(
    headers: &[(&str, &str)],
    injection: Injection<'_>,
) -> (HashMap<String, String>, SpanContext) {
    let harness = Harness::new();
    let request = headers.iter().fold(Request::get("/"), |it, (name, value)| {
        it.header(name, value)
    });
    injected(&harness, &request, injection)
}

fn names(headers: &HashMap<String, String>) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

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
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
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
fn baggage_goes_to_ones_own_services_alone() {
    let came_in = [
        ("traceparent", TRACEPARENT),
        (
            "baggage",
            "tenant=caf%C3%A9;ttl=1,rum=v2,appType=browser,pid=demo,sid=s%201,uid=u",
        ),
    ];
    let (headers, _) = sent(&came_in, Injection::to_own_service());
    assert_eq!(
        headers["baggage"],
        "rum=v2,appType=browser,pid=demo,sid=s%201,uid=u,tenant=caf%C3%A9;ttl=1"
    );
    let both = TraceProtocol::Both;
    let (headers, _) = sent(&came_in, Injection::to_own_service().protocol(both));
    let pairs: Vec<_> = correlation::pairs(headers["sw8-correlation"].as_bytes())
        .flatten()
        .collect();
    assert_eq!(pairs, [("tenant".to_owned(), "caf\u{e9}".to_owned())]);
    let (headers, _) = sent(&came_in, Injection::to_third_party().protocol(both));
    assert_eq!(names(&headers), ["sw8", "traceparent"]);
}

#[test]
fn what_is_too_much_is_left_out_whole() {
    let many: Vec<String> = (0..100)
        .map(|n| format!("key{n:03}={}", "v".repeat(100)))
        .collect();
    let line = many.join(",");
    let harness = Harness::new();
    let active = harness
        .instrumenter
        .start(&Request::get("/").header("traceparent", TRACEPARENT));
    let entries = many.iter().filter_map(|entry| entry.split_once('='));
    let entries = entries.map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()));
    let cx = active.context().with_baggage(entries);
    let mut headers = HashMap::new();
    let long = "x".repeat(10_000);
    Injection::to_own_service()
        .protocol(TraceProtocol::Both)
        .service(&long)
        .endpoint(&long)
        .inject(&cx, &mut headers);
    assert_eq!(
        names(&headers),
        ["baggage", "sw8", "sw8-correlation", "traceparent"]
    );
    let baggage = &headers["baggage"];
    assert!(baggage.len() <= 8_192 && line.starts_with(baggage.as_str()));
    assert!(baggage.ends_with(&"v".repeat(100)), "none is cut in two");
    assert_eq!(
        correlation::pairs(headers["sw8-correlation"].as_bytes()).count(),
        3
    );
    assert!(headers["sw8"].len() < 2_048);
    assert!(Sw8::parse(headers["sw8"].as_bytes()).is_ok());
    drop(active);
}

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
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
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
fn third_parties_get_the_trace_if_asked_and_nothing_of_the_client() {
    let builder = || Instrumenter::builder().trace_third_parties(true);
    let instrumenter = builder()
        .internal_hosts_are_own(false)
        .build()
        .expect("right");
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let request = request.header("tracestate", "a=1,rum=v2&browser&p&s&u");
    let active = instrumenter.start(&request.header("baggage", "a=1"));
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
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

proptest::proptest! {
    /// As the Collector's SkyWalking receiver maps it.
    #[test]
    fn every_pair_of_ids_comes_back_from_our_sw8(trace in 1..u128::MAX, span in 1..u64::MAX) {
        let context = SpanContext::new(
            trace.into(),
            span.into(),
            opentelemetry::trace::TraceFlags::SAMPLED,
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
