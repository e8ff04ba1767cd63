//! What the client tells of app, session and user, and baggage: for one's own services.

use std::collections::HashMap;

use opentelemetry::KeyValue;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use rum_trace_core::{Injection, TraceProtocol};
use rum_trace_propagation::Sw8;
use rum_trace_propagation::sw8::correlation;

use crate::support::*;
use crate::{names, own, sent};

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

/// As for what our own carriers find: the span context has none, one's own services
/// still learn of it, and nothing else is lost.
#[test]
fn what_the_fallback_propagator_finds_can_do_without_the_rum_member() {
    let sdk = || {
        TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ])
    };
    let custom = "alibabacloud_rum=iOS/2/1_Custom";
    let all = format!("a=1,{RUM},{custom},b=2");
    let sent_on = format!("a=1,b=2,{RUM},{custom}");
    // what came in; the trace state with and without, what goes to own services, to others
    let table = [
        (&*all, &*all, "a=1,b=2", &*sent_on, Some("a=1,b=2")),
        (RUM, RUM, "", RUM, None),
        ("a=1,b=2", "a=1,b=2", "a=1,b=2", "a=1,b=2", Some("a=1,b=2")),
    ];
    for (list, with, without, to_own, to_others) in table {
        for (in_state, expected) in [(true, with), (false, without)] {
            let harness = Harness::with(|builder| {
                let builder = builder.carriers([]).fallback_propagator(sdk());
                builder.rum_in_trace_state(in_state)
            });
            let headers = [
                ("traceparent", TRACEPARENT),
                ("tracestate", list),
                ("baggage", "tenant=acme"),
            ];
            let get = Request::get("/");
            let request = headers
                .iter()
                .fold(get, |it, (name, value)| it.header(name, value));
            let active = harness.instrumenter.start(&request);
            let message = harness.instrumenter.extract(&Lines::of(&headers));
            for cx in [active.context(), &message] {
                let case = format!("{list} {in_state}");
                let state = cx.span().span_context().trace_state().header();
                assert_eq!(state, expected, "{case}");
                let tenant = cx.baggage().get("tenant").map(ToString::to_string);
                assert_eq!(tenant.as_deref(), Some("acme"), "{case}");
                let sent = |to: Injection<'_>| {
                    let mut headers = HashMap::new();
                    to.inject(cx, &mut headers);
                    headers.remove("tracestate")
                };
                let own = sent(Injection::to_own_service());
                assert_eq!(own.as_deref(), Some(to_own), "{case}");
                let others = sent(Injection::to_third_party());
                assert_eq!(others.as_deref(), to_others, "{case}");
            }
            assert_eq!(message.span().span_context().span_id().to_string(), SPAN);
            active.finish();
            let span = harness.take_span().expect("it is exported");
            assert_eq!(lineage(&span), format!("{TRACE}/{SPAN}"));
            assert_eq!(span.span_context.trace_state().header(), expected);
        }
    }
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
