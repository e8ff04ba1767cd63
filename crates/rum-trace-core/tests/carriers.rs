//! Which trace a request continues.

mod support;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rum_trace_core::{Carrier, RumContext, RumKey, RumSource};
use support::*;

const W3C_LINEAGE: &str = "4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba902b7";

#[test]
fn each_carrier_is_continued() {
    let table: [(&str, Carrier, &[(&str, &str)], String); 6] = [
        (
            "w3c",
            Carrier::W3c,
            &[("traceparent", TRACEPARENT)],
            W3C_LINEAGE.into(),
        ),
        (
            "sw8",
            Carrier::Sw8,
            &[("sw8", SW8)],
            format!("{SW8_TRACE}/{SW8_SPAN}"),
        ),
        (
            "b3",
            Carrier::B3,
            &[("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1")],
            W3C_LINEAGE.into(),
        ),
        (
            "b3 without a sampling state is ours to decide",
            Carrier::B3,
            &[("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7")],
            W3C_LINEAGE.into(),
        ),
        (
            "b3 in several headers",
            Carrier::B3,
            &[
                ("X-B3-TraceId", TRACE),
                ("X-B3-SpanId", SPAN),
                ("X-B3-Sampled", "1"),
            ],
            W3C_LINEAGE.into(),
        ),
        (
            "jaeger",
            Carrier::Jaeger,
            &[(
                "uber-trace-id",
                "4bf92f3577b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1",
            )],
            W3C_LINEAGE.into(),
        ),
    ];
    for (name, carrier, headers, lineage_expected) in table {
        let harness = Harness::new();
        let request = headers
            .iter()
            .fold(Request::get("/"), |r, (n, v)| r.header(n, v));
        let span = harness.serve(&request);
        assert_eq!(lineage(&span), lineage_expected, "{name}");
        assert!(span.parent_span_is_remote, "{name}");
        assert!(span.links.is_empty(), "{name}");
        let stats = harness.instrumenter.stats();
        assert_eq!(
            (stats.continued(carrier), stats.requests()),
            (1, 1),
            "{name}"
        );
    }
}

#[test]
fn an_unsampled_caller_is_followed_and_its_trace_goes_on() {
    for (name, value) in [
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        ),
        ("sw8", &SW8.replacen('1', "0", 1)),
        ("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"),
        (
            "uber-trace-id",
            "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:0",
        ),
    ] {
        let harness = Harness::new();
        let request = Request::get("/").header(name, value);
        let active = harness.instrumenter.start(&request);
        assert!(!active.span_context().is_sampled(), "{name}");
        let trace_id = if name == "sw8" { SW8_TRACE } else { TRACE };
        assert_eq!(
            active.span_context().trace_id().to_string(),
            trace_id,
            "{name}"
        );
        active.finish();
        assert!(harness.take_span().is_none(), "{name}");
    }
}

#[test]
fn what_cannot_be_continued_starts_a_new_trace_and_is_counted() {
    let malformed: [(&str, Carrier, &[(&str, &str)]); 6] = [
        (
            "uppercase",
            Carrier::W3c,
            &[("traceparent", &TRACEPARENT.to_uppercase())],
        ),
        (
            "two of them",
            Carrier::W3c,
            &[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        ),
        (
            "the documentation's own sample",
            Carrier::Sw8,
            &[("sw8", "1-My40LjU=-MTY1MTcwNDI5OTk5OA==-xxxx-xx-x-x==")],
        ),
        ("b3", Carrier::B3, &[("b3", "x")]),
        ("b3 without a span", Carrier::B3, &[("x-b3-traceid", TRACE)]),
        ("jaeger", Carrier::Jaeger, &[("uber-trace-id", ":::")]),
    ];
    for (name, carrier, headers) in malformed {
        let harness = Harness::new();
        let request = headers
            .iter()
            .fold(Request::get("/"), |r, (n, v)| r.header(n, v));
        assert!(is_new_trace(&harness.serve(&request)), "{name}");
        let stats = harness.instrumenter.stats();
        assert_eq!(
            (stats.malformed, stats.refused(carrier), stats.started()),
            (1, 1, 1),
            "{name}"
        );
    }

    let absent: [(&str, &[(&str, &str)]); 3] = [
        ("nothing", &[]),
        ("a list without a traceparent", &[("tracestate", "foo=1")]),
        ("a decision without a span", &[("b3", "0")]),
    ];
    for (name, headers) in absent {
        let harness = Harness::new();
        let request = headers
            .iter()
            .fold(Request::get("/"), |r, (n, v)| r.header(n, v));
        assert!(is_new_trace(&harness.serve(&request)), "{name}");
        let stats = harness.instrumenter.stats();
        assert_eq!(
            (stats.absent, stats.malformed, stats.requests()),
            (1, 0, 1),
            "{name}"
        );
    }
}

#[test]
fn the_first_valid_carrier_is_the_parent_and_one_that_disagrees_a_link() {
    let both = Request::get("/")
        .header("sw8", SW8)
        .header("traceparent", TRACEPARENT);

    let harness = Harness::new();
    let span = harness.serve(&both);
    assert_eq!(lineage(&span), W3C_LINEAGE);
    let link = &span.links[0];
    assert_eq!(link.span_context.trace_id().to_string(), SW8_TRACE);
    assert_eq!(link.span_context.span_id().to_string(), SW8_SPAN);
    assert_eq!(link.attributes[0].value.as_str(), "3.4.5");
    assert!(
        !attributes(&span).contains_key("sw8.trace_id"),
        "they are on the link"
    );
    assert_eq!(harness.instrumenter.stats().linked, 1);

    let harness = Harness::with(|b| b.carriers([Carrier::Sw8, Carrier::W3c]));
    let span = harness.serve(&both);
    assert_eq!(lineage(&span), format!("{SW8_TRACE}/{SW8_SPAN}"));
    assert_eq!(span.links[0].span_context.trace_id().to_string(), TRACE);
    assert_eq!(attributes(&span)["sw8.trace_id"], "3.4.5");

    let harness = Harness::with(|b| b.carriers([Carrier::Sw8]));
    let span = harness.serve(&both);
    assert!(
        span.links.is_empty(),
        "a carrier that is not listed is not read"
    );
}

#[test]
fn carriers_that_agree_are_one() {
    let harness = Harness::new();
    let request = Request::get("/")
        .header(
            "uber-trace-id",
            "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1",
        )
        .header("traceparent", TRACEPARENT)
        .header("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1");
    let span = harness.serve(&request);
    assert!(span.links.is_empty());
    assert_eq!(harness.instrumenter.stats().linked, 0);
}

#[test]
fn a_malformed_carrier_gives_way_to_a_valid_one() {
    let harness = Harness::new();
    let request = Request::get("/")
        .header("traceparent", "00-garbage")
        .header("sw8", SW8);
    assert_eq!(
        lineage(&harness.serve(&request)),
        format!("{SW8_TRACE}/{SW8_SPAN}")
    );
    let stats = harness.instrumenter.stats();
    assert_eq!(
        (stats.refused(Carrier::W3c), stats.continued(Carrier::Sw8)),
        (1, 1)
    );
    assert_eq!((stats.malformed, stats.started()), (0, 0));
}

#[test]
fn rum_members_are_read_wherever_they_stand() {
    let table: [(&str, &[(&str, &str)], &[(RumKey, &str, RumSource)]); 6] = [
        (
            "the second line of a split list",
            &[
                ("traceparent", TRACEPARENT),
                ("tracestate", "foo=1"),
                ("tracestate", RUM),
            ],
            &[(RumKey::SessionId, "4f04d2f5", RumSource::Rum)],
        ),
        (
            "an illegal list",
            &[
                ("traceparent", TRACEPARENT),
                ("tracestate", "rum=v2&browser&p@1&s&caf\u{e9}=x"),
            ],
            &[(RumKey::UserId, "caf\u{e9}=x", RumSource::Rum)],
        ),
        (
            "beside sw8, without a traceparent",
            &[
                ("sw8", SW8),
                ("tracestate", "alibabacloud_rum=Android/2.3.2/5.0.1_APK"),
            ],
            &[
                (RumKey::AppType, "android", RumSource::AlibabaCloudRum),
                (RumKey::AppVersion, "5.0.1", RumSource::AlibabaCloudRum),
                (RumKey::SdkVersion, "2.3.2", RumSource::AlibabaCloudRum),
                (RumKey::AppChannel, "APK", RumSource::AlibabaCloudRum),
            ],
        ),
        (
            "baggage fills what the member leaves out",
            &[
                ("traceparent", TRACEPARENT),
                ("tracestate", "rum=v2&browser&undefined&s1"),
                ("baggage", "rum=v2,appType=other,pid=p@1,sid=s2,uid=u1"),
            ],
            &[
                (RumKey::AppType, "browser", RumSource::Rum),
                (RumKey::SessionId, "s1", RumSource::Rum),
                (RumKey::AppId, "p@1", RumSource::Baggage),
                (RumKey::UserId, "u1", RumSource::Baggage),
            ],
        ),
        (
            "a service of an app id's form",
            &[(
                "sw8",
                "1-YQ==-Yg==-0-ZGVtbzEyM0A1M2RmN2FkMmFmZTgzMDE=-Mi40LjE=-L3BhZ2U=-aA==",
            )],
            &[(RumKey::AppId, "demo123@53df7ad2afe8301", RumSource::Sw8)],
        ),
        (
            "no carrier at all",
            &[("tracestate", RUM)],
            &[(RumKey::UserId, "uid_1", RumSource::Rum)],
        ),
    ];
    for (name, headers, expected) in table {
        let harness = Harness::new();
        let request = headers
            .iter()
            .fold(Request::get("/"), |r, (n, v)| r.header(n, v));
        let active = harness.instrumenter.start(&request);
        assert_eq!(
            &RumContext::from_context(active.context()),
            active.rum(),
            "{name}"
        );
        for (key, value, source) in expected {
            assert_eq!(active.rum().get(*key), Some(*value), "{name}");
            assert_eq!(active.rum().source(*key), Some(*source), "{name}");
        }
        active.finish();
        let span = harness.take_span().expect(name);
        for (key, value, _) in expected {
            assert_eq!(attributes(&span)[key.attribute()], *value, "{name}");
        }
    }
}

#[test]
fn an_ordinary_service_is_not_an_app() {
    let harness = Harness::new();
    let span = harness.serve(&Request::get("/").header("sw8", SW8));
    let attributes = attributes(&span);
    assert_eq!(attributes["sw8.parent_service"], "service");
    assert!(!attributes.contains_key("rum.app.id"));
}

#[test]
fn rum_fields_are_cut_cleaned_and_counted() {
    let harness = Harness::new();
    let user = "u".repeat(1000);
    let state = format!("rum=v2&browser&p\u{1}@1&s&{user}");
    let active = harness
        .instrumenter
        .start(&Request::get("/").header("tracestate", state));
    assert_eq!(active.rum().app_id(), Some("p@1"));
    assert_eq!(active.rum().user_id().map(str::len), Some(256));
    active.finish();
    assert_eq!(harness.instrumenter.stats().over_limit, 1);
}

#[test]
fn ordinary_baggage_is_baggage_and_rum_entries_are_not() {
    let harness = Harness::new();
    let request = Request::get("/")
        .header("baggage", "tenant=caf%C3%A9,pid=p@1")
        .header("baggage", "sid=s1,=bad,region=eu")
        .header("sw8-correlation", "c2Vzc2lvbg==:NGYwNGQyZjU=");
    let active = harness.instrumenter.start(&request);
    let baggage = active.context().baggage();
    assert_eq!(
        baggage.get("tenant").map(ToString::to_string).as_deref(),
        Some("caf\u{e9}")
    );
    assert_eq!(
        baggage.get("region").map(ToString::to_string).as_deref(),
        Some("eu")
    );
    assert_eq!(
        baggage.get("session").map(ToString::to_string).as_deref(),
        Some("4f04d2f5")
    );
    assert_eq!(baggage.len(), 3, "{baggage:?}");
    assert_eq!(active.rum().session_id(), Some("s1"));
    active.finish();
}

#[test]
fn baggage_over_its_limit_is_not_read() {
    let harness = Harness::new();
    let long = format!("pid=p@1,x={}", "y".repeat(8192));
    let active = harness
        .instrumenter
        .start(&Request::get("/").header("baggage", long));
    assert!(active.rum().is_empty());
    assert_eq!(active.context().baggage().len(), 0);
    active.finish();
    assert_eq!(harness.instrumenter.stats().over_limit, 1);
}

/// Nor in part, as far as the SDK would take the entries.
#[test]
fn of_many_entries_over_the_limit_none_is_read() {
    let entries = (0..60).map(|i| format!("k{i}={}", "y".repeat(150)));
    let long = entries.collect::<Vec<_>>().join(",");
    assert!(long.len() > 8192);
    let harness = Harness::new();
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let active = harness
        .instrumenter
        .start(&request.header("baggage", long).header("baggage", "a=1"));
    assert_eq!(active.context().baggage().len(), 0);
    active.finish();
    assert_eq!(harness.instrumenter.stats().over_limit, 1);
}

#[test]
fn the_users_propagator_is_the_last_resort() {
    // Without W3C among the carriers, the SDK's own propagator reads it.
    let harness = Harness::with(|b| {
        b.carriers([Carrier::Sw8])
            .fallback_propagator(TraceContextPropagator::new())
    });
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    assert_eq!(lineage(&harness.serve(&request)), W3C_LINEAGE);
    let both = request.header("sw8", SW8);
    assert_eq!(
        lineage(&harness.serve(&both)),
        format!("{SW8_TRACE}/{SW8_SPAN}")
    );
    assert!(is_new_trace(&harness.serve(&Request::get("/"))));
    let stats = harness.instrumenter.stats();
    assert_eq!(
        (
            stats.continued(Carrier::Propagator),
            stats.absent,
            stats.requests()
        ),
        (1, 1, 3)
    );
}

#[test]
fn several_b3_headers_count_where_the_single_one_names_no_span() {
    for single in ["0", "1", "junk"] {
        let harness = Harness::new();
        let request = Request::get("/")
            .header("b3", single)
            .header("x-b3-traceid", TRACE)
            .header("x-b3-spanid", SPAN);
        assert_eq!(lineage(&harness.serve(&request)), W3C_LINEAGE, "{single}");
    }
}

#[test]
fn a_request_served_inside_of_another_has_a_client_of_its_own() {
    let harness = Harness::new();
    let outer = harness
        .instrumenter
        .start(&Request::get("/outer").header("tracestate", RUM));
    {
        let _scope = outer.scope();
        let inner = harness.instrumenter.start(&Request::get("/inner"));
        assert!(RumContext::from_context(inner.context()).is_empty());
        let (outer, inner_span) = (outer.span_context(), inner.span_context());
        assert_eq!(
            inner_span.trace_id(),
            outer.trace_id(),
            "under the span that is active"
        );
        inner.finish();
    }
    harness.take_span();
    outer.finish();
}

#[test]
fn a_propagator_that_finds_nothing_continues_nothing() {
    let harness = Harness::with(|b| b.fallback_propagator(TraceContextPropagator::new()));
    let remote = Request::get("/outer").header("traceparent", TRACEPARENT);
    let outer = harness.instrumenter.start(&remote);
    let around = outer.context().with_remote_span_context(SpanContext::new(
        TraceId::from(7),
        SpanId::from(7),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    ));
    let _scope = around.attach();
    harness.instrumenter.start(&Request::get("/inner")).finish();
    assert_eq!(
        harness.instrumenter.stats().continued(Carrier::Propagator),
        0
    );
}

#[test]
fn a_linked_sw8_is_kept_within_limits_too() {
    // 100,000 times `a` as the trace id.
    let long = format!("1-{}-MS4yLjM=-0-cw==-aQ==-Lw==-cA==", "YWFh".repeat(33_333));
    let harness = Harness::new();
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("sw8", long);
    let span = harness.serve(&request);
    assert_eq!(span.links[0].attributes[0].value.as_str().len(), 1024);
    assert_eq!(harness.instrumenter.stats().over_limit, 1);
}
