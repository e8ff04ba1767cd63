//! The `tracestate` list that came in.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState, Tracer, TracerProvider};
use rum_trace_core::{Carrier, Injection};

use crate::own;
use crate::support::*;

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
    let mut headers = HashMap::new();
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

/// The one member that a sampler takes out, and the list that an SDK does not keep.
#[test]
fn what_is_said_of_sampling_stays_out_when_nothing_else_is_left() {
    let table = [
        ("ot=th:8", None),
        ("a=1,ot=th:8", Some("a=1")),
        ("a=1", Some("a=1")),
    ];
    for (list, expected) in table {
        let request = Request::get("/")
            .header("traceparent", TRACEPARENT)
            .header("tracestate", list);
        let emptied = changed(&request, |_| TraceState::NONE);
        assert_eq!(emptied.as_deref(), expected, "{list}");
    }
}

/// The randomness may be the session's.
#[test]
fn others_are_told_no_randomness() {
    let table = [
        ("ot=th:8;rv:fedcba98765432,a=1", "a=1"),
        ("a=1,ot=rv:fedcba98765432", "a=1"),
        ("ot=th:8,a=1", "ot=th:8,a=1"),
        ("other=th:8;rv:1,a=1", "other=th:8;rv:1,a=1"),
    ];
    let harness = Harness::new();
    for (list, expected) in table {
        let request = Request::get("/")
            .header("traceparent", TRACEPARENT)
            .header("tracestate", list);
        let active = harness.instrumenter.start(&request);
        for (injection, expected) in [
            (Injection::to_own_service(), list),
            (Injection::to_third_party(), expected),
        ] {
            let mut headers = HashMap::new();
            injection.inject(active.context(), &mut headers);
            assert_eq!(headers["tracestate"], expected);
        }
        active.finish();
    }
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
    let mut headers = HashMap::new();
    Injection::to_own_service().inject(&cx, &mut headers);
    assert!(!headers["traceparent"].contains(TRACE));
    assert!(!headers.contains_key("tracestate"));
}
