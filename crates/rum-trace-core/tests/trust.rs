//! Whose trace is continued, and what becomes of the others'.

mod support;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SpanData};
use rum_trace_core::{
    BuildError, Carrier, Injection, Instrumenter, RumContext, RumSource, TraceProtocol, Trust,
    TrustPolicy, TrustedProxies,
};
use support::*;

const APP: &str = "demo123@53df7ad2afe8301";
/// As the Android SDK sends it: without an app id.
const ANDROID: &str = "alibabacloud_rum=Android&1.1.7&1.0&APK";

/// A request of the web SDK's.
fn browser() -> Request {
    Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM)
}

fn android() -> Request {
    Request::get("/")
        .header("sw8", SW8)
        .header("tracestate", ANDROID)
}

/// One that tells all that can be told.
fn talkative() -> Request {
    browser()
        .header("tracestate", "vendor=1")
        .header("baggage", "tenant=7,pid=demo123,uid=uid_9")
        .header("sw8", SW8)
        .header("sw8-correlation", "a2V5:dmFsdWU=")
}

/// What became of what the request claims.
fn outcome(span: &SpanData) -> Trust {
    match (is_new_trace(span), span.links.is_empty()) {
        (false, true) => Trust::Parent,
        (true, false) => Trust::Link,
        (true, true) => Trust::Restart,
        (false, false) => panic!("a parent and a link: {span:#?}"),
    }
}

#[test]
fn each_policy_decides_on_its_own() {
    use Trust::{Link, Parent, Restart};
    type Policy = fn() -> TrustPolicy;
    let table: [(&str, Policy, [Trust; 5]); 16] = [
        // browser, android, other app, known app from 10.0.0.7, other app from 10.0.0.7
        ("everyone", TrustPolicy::everyone, [Parent; 5]),
        ("the default", TrustPolicy::default, [Parent; 5]),
        (
            "known apps",
            || TrustPolicy::known_apps([APP]),
            [Parent, Link, Link, Parent, Link],
        ),
        (
            "known apps and phones",
            || TrustPolicy::known_apps([APP]).without_app_id(Parent),
            [Parent, Parent, Link, Parent, Link],
        ),
        (
            "known apps, the others not at all",
            || TrustPolicy::known_apps([APP]).otherwise(Restart),
            [Parent, Restart, Restart, Parent, Restart],
        ),
        (
            "known apps, phones linked, the others not at all",
            || {
                TrustPolicy::known_apps([APP])
                    .without_app_id(Link)
                    .otherwise(Restart)
            },
            [Parent, Link, Restart, Parent, Restart],
        ),
        (
            "no app",
            || TrustPolicy::known_apps(Vec::<String>::new()),
            [Link; 5],
        ),
        (
            "trusted peers",
            || TrustPolicy::trusted_peers(["192.0.2.0/24", "10.0.0.0/8"]),
            [Link, Link, Link, Parent, Parent],
        ),
        (
            "a trusted peer",
            || TrustPolicy::trusted_peers(["10.0.0.7"]),
            [Link, Link, Link, Parent, Parent],
        ),
        (
            "either",
            || TrustPolicy::known_apps([APP]).or(TrustPolicy::trusted_peers(["10.0.0.0/8"])),
            [Parent, Link, Link, Parent, Parent],
        ),
        (
            "either, said the other way round",
            || {
                let peers = TrustPolicy::trusted_peers(["10.0.0.0/8"]).otherwise(Restart);
                peers.or(TrustPolicy::known_apps([APP]).without_app_id(Link))
            },
            [Parent, Link, Restart, Parent, Parent],
        ),
        (
            "everyone with an app id",
            || TrustPolicy::everyone().without_app_id(Restart),
            [Parent, Restart, Parent, Parent, Parent],
        ),
        (
            "a function",
            || {
                TrustPolicy::by(|caller| match caller.app_type() {
                    Some("browser") => Link,
                    _ => Restart,
                })
            },
            [Link, Restart, Link, Link, Link],
        ),
        (
            "a function and known apps",
            || TrustPolicy::by(|_| Restart).or(TrustPolicy::known_apps([APP])),
            [Parent, Restart, Restart, Parent, Restart],
        ),
        (
            "a function and phones",
            || TrustPolicy::by(|_| Restart).without_app_id(Parent),
            [Restart, Parent, Restart, Restart, Restart],
        ),
        (
            "everyone wins",
            || TrustPolicy::trusted_peers(["10.0.0.7"]).or(TrustPolicy::everyone()),
            [Parent; 5],
        ),
    ];
    let other = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", "rum=v2&browser&other@1&4f04d2f5&uid_1");
    let requests = [
        browser().peer("203.0.113.9:4711"),
        android().peer("203.0.113.9:4711"),
        other.clone().peer("203.0.113.9:4711"),
        browser().peer("10.0.0.7:4711"),
        other.peer("[::ffff:10.0.0.7]:4711"),
    ];
    for (name, policy, expected) in table {
        let harness = Harness::with(|builder| builder.trust(policy()));
        let outcomes = requests.each_ref().map(|it| outcome(&harness.serve(it)));
        assert_eq!(outcomes, expected, "{name}");
        let count = |trust| expected.iter().filter(|it| **it == trust).count() as u64;
        let stats = harness.instrumenter.stats();
        assert_eq!(
            (stats.untrusted_linked, stats.untrusted_restarted),
            (count(Link), count(Restart)),
            "{name}"
        );
        let continued = stats.continued(Carrier::W3c) + stats.continued(Carrier::Sw8);
        assert_eq!(continued, count(Parent), "{name}");
        assert_eq!(stats.requests(), 5, "{name}");
        assert_eq!(stats.started(), stats.untrusted, "{name}");
    }
}

#[test]
fn a_peer_that_is_not_known_is_no_trusted_one() {
    let harness =
        Harness::with(|builder| builder.trust(TrustPolicy::trusted_peers(["0.0.0.0/0", "::/0"])));
    assert_eq!(outcome(&harness.serve(&browser())), Trust::Link);
    let known = browser().peer("[2001:db8::1]:1");
    assert_eq!(outcome(&harness.serve(&known)), Trust::Parent);
}

#[test]
fn behind_a_trusted_proxy_the_peer_is_who_the_proxy_says() {
    let harness = Harness::with(|builder| {
        builder
            .trust(TrustPolicy::trusted_peers(["10.0.0.0/8"]))
            .trusted_proxies(TrustedProxies::networks(["10.0.0.1"]))
    });
    let table = [
        ("10.0.0.1:1", Some("10.0.0.7"), Trust::Parent),
        ("10.0.0.1:1", Some("203.0.113.9"), Trust::Link),
        ("10.0.0.1:1", Some("10.0.0.7, 203.0.113.9"), Trust::Link),
        ("10.0.0.1:1", Some("10.0.0.7, unknown"), Trust::Link),
        ("10.0.0.1:1", Some("10.0.0.7, x"), Trust::Link),
        ("10.0.0.1:1", None, Trust::Parent),
        // No proxy of ours: it may say what it wants.
        ("10.0.0.2:1", Some("203.0.113.9"), Trust::Parent),
        ("203.0.113.9:1", Some("10.0.0.7"), Trust::Link),
    ];
    for (peer, forwarded_for, expected) in table {
        let request = browser().peer(peer);
        let request = match forwarded_for {
            Some(list) => request.header("X-Forwarded-For", list),
            None => request,
        };
        let span = harness.serve(&request);
        assert_eq!(outcome(&span), expected, "{peer} {forwarded_for:?}");
    }
}

#[test]
fn a_link_says_what_was_claimed_and_nothing_goes_on() {
    let harness = Harness::with(|builder| builder.trust(TrustPolicy::by(|_| Trust::Link)));
    let active = harness.instrumenter.start(&talkative());
    let cx = active.context().clone();
    assert!(cx.baggage().is_empty(), "{:?}", cx.baggage());
    assert_eq!(cx.span().span_context().trace_state().header(), "");
    let rum = RumContext::from_context(&cx);
    assert_eq!(rum.app_id(), Some(APP));
    assert_eq!(
        rum.source(rum_trace_core::RumKey::AppId),
        Some(RumSource::Rum)
    );
    nothing_but_the_trace_goes_out(&cx);
    active.finish();

    let span = harness.take_span().expect("it is exported");
    assert!(is_new_trace(&span));
    assert_ne!(span.span_context.trace_id().to_string(), TRACE);
    let found = attributes(&span);
    assert_eq!(found["rum.trust"], "link");
    assert_eq!(found["rum.app.id"], APP);
    assert_eq!(found["user.id"], "uid_1");
    assert!(!found.contains_key("sw8.trace_id"), "{found:?}");
    let links: Vec<_> = span.links.iter().map(link_of).collect();
    let [w3c, sw8] = &links[..] else {
        panic!("two links: {links:#?}");
    };
    assert_eq!(w3c.0, format!("{TRACE}/{SPAN}"));
    assert_eq!(w3c.1["rum.trust"], "link");
    assert_eq!(w3c.1["rum.carrier"], "w3c");
    assert_eq!(sw8.0, format!("{SW8_TRACE}/{SW8_SPAN}"));
    assert_eq!(sw8.1["rum.carrier"], "sw8");
    assert_eq!(sw8.1["sw8.trace_id"], "3.4.5");
    // It was not continued with a link.
    assert_eq!(harness.instrumenter.stats().linked, 0);
}

fn link_of(link: &opentelemetry::trace::Link) -> (String, HashMap<String, String>) {
    let ids = &link.span_context;
    assert_eq!(ids.trace_state().header(), "");
    let texts = link.attributes.iter();
    let texts = texts.map(|it| (it.key.to_string(), it.value.to_string()));
    (
        format!("{}/{}", ids.trace_id(), ids.span_id()),
        texts.collect(),
    )
}

/// In no protocol does anything that the client sent go to one's own services.
fn nothing_but_the_trace_goes_out(cx: &Context) {
    let trace = cx.span().span_context().trace_id().to_string();
    for protocol in [TraceProtocol::W3c, TraceProtocol::Sw8, TraceProtocol::Both] {
        let mut headers: HashMap<String, String> = HashMap::new();
        let injection = Injection::to_own_service().protocol(protocol);
        injection.inject(cx, &mut headers);
        for name in ["tracestate", "baggage", "sw8-correlation"] {
            assert_eq!(headers.get(name), None, "{protocol}");
        }
        if let Some(parent) = headers.get("traceparent") {
            assert!(parent.starts_with(&format!("00-{trace}-")), "{parent}");
        }
        if let Some(sw8) = headers.get("sw8") {
            let sw8 = rum_trace_propagation::Sw8::parse(sw8.as_bytes()).expect("ours");
            assert_eq!(sw8.trace_id(), trace);
        }
        assert!(!headers.is_empty(), "{protocol}");
    }
    // Nor is it by sw8 that a trace goes on which came in by it.
    let mut headers: HashMap<String, String> = HashMap::new();
    Injection::to_own_service().inject(cx, &mut headers);
    assert!(headers.contains_key("traceparent"), "{headers:?}");
}

#[test]
fn a_restart_keeps_nothing() {
    let harness = Harness::with(|builder| builder.trust(TrustPolicy::by(|_| Trust::Restart)));
    for request in [talkative(), android(), browser()] {
        let active = harness.instrumenter.start(&request);
        let cx = active.context().clone();
        assert!(active.rum().is_empty());
        assert!(cx.baggage().is_empty());
        nothing_but_the_trace_goes_out(&cx);
        active.finish();
        let span = harness.take_span().expect("it is exported");
        assert_eq!(outcome(&span), Trust::Restart);
        let found = attributes(&span);
        assert_eq!(found["rum.trust"], "restart");
        let of_the_client = |name: &&String| {
            let prefixes = [
                "rum.app",
                "rum.sdk",
                "rum.version",
                "session",
                "user.id",
                "sw8",
            ];
            prefixes.iter().any(|it| name.starts_with(it))
        };
        assert_eq!(found.keys().find(of_the_client), None);
    }
}

#[test]
fn each_carrier_is_linked() {
    let table = [
        ("traceparent", TRACEPARENT, "w3c", TRACE),
        ("sw8", SW8, "sw8", SW8_TRACE),
        (
            "b3",
            "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "b3",
            TRACE,
        ),
        (
            "uber-trace-id",
            "4bf92f3577b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1",
            "jaeger",
            TRACE,
        ),
    ];
    for (name, value, carrier, trace) in table {
        let harness = Harness::with(|builder| builder.trust(TrustPolicy::known_apps([APP])));
        let span = harness.serve(&Request::get("/").header(name, value));
        assert!(is_new_trace(&span), "{name}");
        let links: Vec<_> = span.links.iter().map(link_of).collect();
        assert_eq!(links.len(), 1, "{name}");
        assert!(links[0].0.starts_with(trace), "{name}");
        assert_eq!(links[0].1["rum.carrier"], carrier);
    }
}

#[test]
fn the_services_sampler_decides_and_not_the_clients_flag() {
    let unsampled = TRACEPARENT.replace("-01", "-00");
    for trust in [Trust::Link, Trust::Restart] {
        let policy = move || TrustPolicy::by(move |_| trust);
        let always = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let harness = Harness::sampling_with(always, |builder| builder.trust(policy()));
        let request = Request::get("/").header("traceparent", &unsampled);
        assert!(is_new_trace(&harness.serve(&request)), "{trust}");

        let never = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        let harness = Harness::sampling_with(never, |builder| builder.trust(policy()));
        let exported = harness.serve_status(&browser(), 200);
        assert!(exported.is_none(), "{trust}");
    }
}

#[test]
fn a_span_that_is_active_around_is_no_parent() {
    for trust in [Trust::Link, Trust::Restart] {
        let always = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let harness = Harness::sampling_with(always, |builder| {
            builder.trust(TrustPolicy::by(move |_| trust))
        });
        let tracer = harness.provider.tracer("around");
        // What another layer made of the same headers.
        let outer = Context::new()
            .with_baggage([KeyValue::new("tenant", "7")])
            .with_span(tracer.start("around"));
        let guard = outer.clone().attach();
        let active = harness.instrumenter.start(&browser());
        let cx = active.context().clone();
        active.finish();
        drop(guard);
        let spans = harness.spans();
        let span = spans.first().expect("it is exported");
        assert_eq!(outcome(span), trust);
        assert_ne!(
            span.span_context.trace_id(),
            outer.span().span_context().trace_id()
        );
        assert!(cx.baggage().is_empty(), "{trust}");
        outer.span().end();
    }
}

#[test]
fn what_the_service_put_around_stays_and_suppressed_telemetry_stays_suppressed() {
    #[derive(Debug, PartialEq)]
    struct Own(u8);
    let harness = Harness::with(|builder| builder.trust(TrustPolicy::by(|_| Trust::Link)));
    let around = Context::new()
        .with_value(Own(7))
        .with_baggage([KeyValue::new("tenant", "7")]);
    let guard = around.attach();
    let active = harness.instrumenter.start(&browser());
    assert_eq!(active.context().get(), Some(&Own(7)));
    assert!(active.context().baggage().is_empty());
    active.finish();
    drop(guard);
    assert!(harness.take_span().is_some());

    let span = harness.provider.tracer("around").start("around");
    let guard = Context::new()
        .with_telemetry_suppressed()
        .with_span(span)
        .attach();
    let active = harness.instrumenter.start(&browser());
    assert!(active.context().is_telemetry_suppressed());
    active.finish();
    drop(guard);
    let names: Vec<_> = harness.spans().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["around"]);
}

#[test]
fn a_request_without_a_span_hands_nothing_on_either() {
    for trust in [Trust::Link, Trust::Restart] {
        let harness = Harness::with(|builder| {
            builder
                .trust(TrustPolicy::by(move |_| trust))
                .skip("/skipped")
        });
        let mut request = talkative();
        request.path = "/skipped".to_owned();
        let (headers, span) = injected(&harness, &request, Injection::to_own_service());
        assert_eq!(headers, HashMap::new(), "{trust}");
        assert!(!span.is_valid());
        let stats = harness.instrumenter.stats();
        assert_eq!(
            (stats.requests(), stats.untrusted, stats.filtered),
            (1, 1, 1)
        );
    }
}

#[test]
fn a_span_within_such_a_request_is_one_that_the_sampler_decides_on() {
    let always = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let harness = Harness::sampling_with(always, |builder| {
        builder.trust(TrustPolicy::by(|_| Trust::Link)).skip("/")
    });
    let around = Context::new().with_span(harness.provider.tracer("around").start("around"));
    let guard = around.clone().attach();
    let active = harness.instrumenter.start(&browser());
    let tracer = harness.provider.tracer("within");
    drop(tracer.start_with_context("within", active.context()));
    drop((active, guard, around));
    let spans = harness.spans();
    assert_eq!(spans.len(), 2);
    assert!(spans.iter().all(is_new_trace), "{spans:#?}");
}

#[test]
fn what_the_fallback_propagator_finds_is_subject_to_it() {
    let harness = |trust| {
        Harness::with(move |builder| {
            builder
                .carriers([Carrier::Sw8])
                .fallback_propagator(TraceContextPropagator::new())
                .trust(TrustPolicy::by(move |caller| {
                    assert_eq!(caller.carrier(), Some(Carrier::Propagator));
                    assert!(caller.is_sampled());
                    trust
                }))
        })
    };
    for trust in [Trust::Parent, Trust::Link, Trust::Restart] {
        let harness = harness(trust);
        let span = harness.serve(&browser());
        assert_eq!(outcome(&span), trust);
        let continued = harness.instrumenter.stats().continued(Carrier::Propagator);
        assert_eq!(continued, u64::from(trust == Trust::Parent));
        if let Some(link) = span.links.iter().next() {
            let (ids, attributes) = link_of(link);
            assert_eq!(ids, format!("{TRACE}/{SPAN}"));
            assert_eq!(attributes["rum.carrier"], "propagator");
        }
        if trust == Trust::Parent {
            assert_eq!(lineage(&span), format!("{TRACE}/{SPAN}"));
        }
    }
}

#[test]
fn what_is_found_of_a_trace_that_goes_on_is_not_found_of_another() {
    let requests = [
        // No RUM member, another carrier beside it, a list of the propagator's trace.
        (Request::get("/").header("traceparent", TRACEPARENT), false),
        (talkative(), false),
        (browser(), true),
    ];
    for trust in [Trust::Parent, Trust::Link, Trust::Restart] {
        for (request, by_propagator) in &requests {
            let harness = Harness::with(|builder| {
                let builder = builder.trust(TrustPolicy::by(move |_| trust));
                match by_propagator {
                    true => builder
                        .carriers([Carrier::Sw8])
                        .fallback_propagator(TraceContextPropagator::new()),
                    false => builder,
                }
            });
            harness.serve(request);
            let stats = harness.instrumenter.stats();
            let expected = usize::from(trust == Trust::Parent && !by_propagator);
            let found: Vec<_> = stats.findings().collect();
            assert_eq!(found.len(), expected, "{trust} {request:?}: {found:?}");
        }
    }
}

#[test]
fn rum_members_and_baggage_alone_are_not_believed_either() {
    let harness = Harness::with(|builder| builder.trust(TrustPolicy::known_apps(["x"])));
    for request in [
        Request::get("/").header("tracestate", RUM),
        Request::get("/").header("baggage", "tenant=7"),
        Request::get("/").header("baggage", "pid=demo123"),
        Request::get("/").header("sw8-correlation", "a2V5:dmFsdWU="),
    ] {
        let active = harness.instrumenter.start(&request);
        nothing_but_the_trace_goes_out(active.context());
        active.finish();
        let span = harness.take_span().expect("it is exported");
        assert_eq!(attributes(&span)["rum.trust"], "link");
        assert!(span.links.is_empty());
    }
    assert_eq!(harness.instrumenter.stats().untrusted_linked, 4);
}

#[test]
fn nobody_is_asked_about_a_request_that_tells_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let harness = Harness::with(|builder| {
        builder.trust(TrustPolicy::by(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Trust::Restart
        }))
    });
    let malformed = Request::get("/").header("traceparent", "00-x");
    for request in [Request::get("/"), malformed] {
        let span = harness.serve(&request);
        assert!(!attributes(&span).contains_key("rum.trust"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.absent, stats.malformed, stats.untrusted), (1, 1, 0));
    harness.serve(&browser());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_function_sees_who_asks() {
    let harness = Harness::with(|builder| {
        builder
            .trusted_proxies(TrustedProxies::networks(["10.0.0.1"]))
            .trust(TrustPolicy::by(|caller| {
                assert_eq!(caller.carrier(), Some(Carrier::W3c));
                assert_eq!(caller.app_id(), Some(APP));
                assert_eq!(caller.app_type(), Some("browser"));
                assert_eq!(caller.rum().user_id(), Some("uid_1"));
                assert!(caller.is_sampled());
                let peer = caller.peer().map(|peer| peer.to_string());
                assert_eq!(peer.as_deref(), Some("10.0.0.1:4711"));
                let client = caller.client_address().map(|it| it.to_string());
                assert_eq!(client.as_deref(), Some("203.0.113.9"));
                assert_eq!(caller.request().path(), "/orders");
                assert!(format!("{caller:?}").contains("203.0.113.9"));
                Trust::Restart
            }))
    });
    let mut request = browser()
        .peer("10.0.0.1:4711")
        .header("x-forwarded-for", "203.0.113.9");
    request.path = "/orders".to_owned();
    assert_eq!(outcome(&harness.serve(&request)), Trust::Restart);
}

#[test]
fn a_function_that_panics_leaves_nothing_behind() {
    let harness = Harness::with(|builder| {
        builder.trust(TrustPolicy::by(|caller| match caller.app_id() {
            Some(_) => panic!("of the user's"),
            None => Trust::Parent,
        }))
    });
    let start = || drop(harness.instrumenter.start(&browser()));
    assert!(catch_unwind(AssertUnwindSafe(start)).is_err());
    assert!(!Context::current().has_active_span());
    assert!(harness.take_span().is_none());
    // And the next one is served.
    assert_eq!(outcome(&harness.serve(&android())), Trust::Parent);
}

#[test]
fn messages_are_taken_up_whatever_the_policy_is() {
    let harness = Harness::with(|builder| {
        builder.trust(TrustPolicy::known_apps(["x"]).otherwise(Trust::Restart))
    });
    let message = Lines::of(&[("traceparent", TRACEPARENT), ("tracestate", RUM)]);
    let cx = harness.instrumenter.extract(&message);
    assert_eq!(cx.span().span_context().trace_id().to_string(), TRACE);
    assert_eq!(RumContext::from_context(&cx).app_id(), Some(APP));
}

#[test]
fn wrong_settings_are_told_when_it_is_built() {
    let network = |text: &str| BuildError::InvalidNetwork {
        network: text.to_owned(),
    };
    let peers = TrustPolicy::trusted_peers(["10.0.0.0/8", "10.0.0.1/8"]);
    let built = Instrumenter::builder().trust(peers).build();
    assert_eq!(built.err(), Some(network("10.0.0.1/8")));

    let either = TrustPolicy::known_apps([APP]).or(TrustPolicy::trusted_peers(["shop"]));
    let built = Instrumenter::builder().trust(either).build();
    assert_eq!(built.err(), Some(network("shop")));

    let proxies = TrustedProxies::networks(["::/129"]);
    let built = Instrumenter::builder().trusted_proxies(proxies).build();
    let error = built.expect_err("there is no such network");
    assert_eq!(error, network("::/129"));
    assert!(error.to_string().contains("10.0.0.0/8"), "{error}");

    for (hops, fits) in [(0, false), (1, true), (32, true), (33, false)] {
        let builder = Instrumenter::builder().trusted_proxies(TrustedProxies::hops(hops));
        assert_eq!(builder.build().is_ok(), fits, "{hops}");
    }
}
