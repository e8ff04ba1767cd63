//! What goes to the next service.

mod support;

use opentelemetry::trace::{TraceContextExt, TraceState, Tracer, TracerProvider};
use opentelemetry::{Context, trace::SpanContext};
use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::{Carrier, Injection};
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
        .header("tracestate", "alibabacloud_rum=x");
    assert_eq!(own(&harness, &request).1, None);
    assert_eq!(harness.instrumenter.stats().tracestate_refused, 0);
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
fn an_sw8_caller_goes_on_in_w3c() {
    let harness = Harness::new();
    let (traceparent, list) = own(&harness, &Request::get("/").header("sw8", SW8));
    let traceparent = traceparent.expect("a parent");
    assert!(
        traceparent.starts_with(&format!("00-{SW8_TRACE}-")),
        "{traceparent}"
    );
    assert!(traceparent.ends_with("-01"), "{traceparent}");
    assert_eq!(list, None);
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
