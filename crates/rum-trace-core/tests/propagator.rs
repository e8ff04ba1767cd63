//! `RumTracePropagator`, by itself, beside others, and as the global one.

mod support;

use std::collections::HashMap;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, global};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace_core::{Carrier, Instrumenter, RumContext, RumTracePropagator, TraceProtocol};
use support::*;

type Headers = HashMap<String, String>;

/// What a phone may send, all at once.
fn came_in() -> Lines {
    Lines::of(&[
        ("traceparent", TRACEPARENT),
        ("tracestate", "a=1"),
        ("tracestate", RUM),
        ("tracestate", "b=2"),
        (
            "baggage",
            "tenant=acme,rum=v2,appType=browser,pid=p,sid=s,uid=u",
        ),
    ])
}

fn inject(propagator: &dyn TextMapPropagator, cx: &Context) -> Headers {
    let mut headers = HashMap::new();
    propagator.inject_context(cx, &mut headers);
    headers
}

fn names(headers: &Headers) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_goes_out_is_what_was_asked_for_and_the_fields_say_so() {
    // All RUM fields are in `tracestate`: there are none to send on as baggage.
    use TraceProtocol::{Both, Sw8, W3c};
    let new = RumTracePropagator::default;
    let table: [(RumTracePropagator, &[&str], &[&str]); 9] = [
        (
            new(),
            &["traceparent", "tracestate", "sw8"],
            &["traceparent", "tracestate"],
        ),
        (
            new().protocol(W3c),
            &["traceparent", "tracestate"],
            &["traceparent", "tracestate"],
        ),
        (new().protocol(Sw8), &["sw8"], &["sw8"]),
        (
            new().protocol(Sw8).with_rum(),
            &["tracestate", "baggage", "sw8"],
            &["sw8", "tracestate"],
        ),
        (
            new().protocol(Sw8).with_baggage(),
            &["sw8", "sw8-correlation"],
            &["sw8", "sw8-correlation"],
        ),
        (
            new().protocol(Both),
            &["traceparent", "tracestate", "sw8"],
            &["sw8", "traceparent", "tracestate"],
        ),
        (
            new().with_rum().protocol(W3c),
            &["traceparent", "tracestate", "baggage"],
            &["traceparent", "tracestate"],
        ),
        (
            new().with_baggage().protocol(W3c),
            &["traceparent", "tracestate", "baggage"],
            &["baggage", "traceparent", "tracestate"],
        ),
        (
            new().with_baggage().with_rum(),
            &[
                "traceparent",
                "tracestate",
                "baggage",
                "sw8",
                "sw8-correlation",
            ],
            &["baggage", "traceparent", "tracestate"],
        ),
    ];
    for (propagator, fields, written) in table {
        let cx = propagator.extract(&came_in());
        let headers = inject(&propagator, &cx);
        assert_eq!(names(&headers), written, "{propagator:?}");
        assert_eq!(
            propagator.fields().collect::<Vec<_>>(),
            fields,
            "{propagator:?}"
        );
        assert!(
            written.iter().all(|name| fields.contains(name)),
            "{propagator:?}"
        );
    }
}

#[test]
fn the_client_and_baggage_stay_out_unless_asked_for() {
    let rum_entries = "rum=v2,appType=browser,pid=p,sid=s,uid=u";
    let full = format!("a=1,{RUM},b=2");
    // Entries go on as such only where no member of `tracestate` names their fields.
    let entries_only = Lines::of(&[
        ("traceparent", TRACEPARENT),
        ("baggage", &format!("tenant=acme,{rum_entries}")),
    ]);
    let new = RumTracePropagator::default;
    let both = format!("{rum_entries},tenant=acme");
    let table = [
        (new(), "a=1,b=2", None),
        (new().with_rum(), &full, Some(rum_entries)),
        (new().with_baggage(), "a=1,b=2", Some("tenant=acme")),
        (new().with_rum().with_baggage(), &full, Some(both.as_str())),
    ];
    for (propagator, list, baggage) in table {
        let headers = inject(&propagator, &propagator.extract(&came_in()));
        assert_eq!(headers["tracestate"], list, "{propagator:?}");
        let cx = propagator.extract(&entries_only);
        assert_eq!(RumContext::from_context(&cx).session_id(), Some("s"));
        let headers = inject(&propagator, &cx);
        assert_eq!(
            headers.get("baggage").map(String::as_str),
            baggage,
            "{propagator:?}"
        );
    }
}

#[test]
fn it_goes_on_in_the_protocol_that_came_in() {
    let instrumenter = Instrumenter::builder()
        .service("checkout", "checkout-1")
        .build();
    let propagator = RumTracePropagator::new(instrumenter.expect("valid"));
    let cx = propagator.extract(&Lines::of(&[("sw8", SW8)]));
    let headers = inject(&propagator, &cx);
    assert_eq!(names(&headers), ["sw8"]);
    let sw8 = rum_trace_propagation::Sw8::parse(headers["sw8"].as_bytes()).expect("valid");
    assert_eq!(
        (sw8.trace_id(), sw8.service(), sw8.instance()),
        ("3.4.5", "checkout", "checkout-1")
    );
    let w3c = inject(&propagator.protocol(TraceProtocol::W3c), &cx);
    assert_eq!(w3c["traceparent"], format!("00-{SW8_TRACE}-{SW8_SPAN}-01"));
}

#[test]
fn what_cannot_be_continued_gives_the_context_back() {
    let carriers = [
        Lines::default(),
        Lines::of(&[("traceparent", "00-00-00-01")]),
        Lines::of(&[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)]),
        Lines::of(&[("traceparent", &format!("{TRACEPARENT}-"))]),
        Lines::of(&[("sw8", "\0\u{1b}[31m")]),
        Lines::of(&[("tracestate", &"a=1,".repeat(100_000))]),
    ];
    let provider = SdkTracerProvider::default();
    let span = provider.tracer("t").start("outer");
    let outer = Context::new().with_span(span);
    for carrier in &carriers {
        let instrumenter = Instrumenter::default();
        let propagator = RumTracePropagator::new(instrumenter.clone());
        let cx = propagator.extract_with_context(&outer, carrier);
        assert_eq!(cx.span().span_context(), outer.span().span_context());
        assert_eq!(instrumenter.stats().started(), 1, "it is counted");
        let none = propagator.extract_with_context(&Context::new(), carrier);
        assert!(!none.has_active_span());
        assert!(inject(&propagator, &none).is_empty());
    }
}

/// Other formats, in any order; and what the SDK's own would do beside it.
#[test]
fn it_composes() {
    let ours = || Box::new(RumTracePropagator::default());
    let list = |cx: &Context| cx.span().span_context().trace_state().header();
    let mut composites = [
        TextMapCompositePropagator::new(vec![ours(), Box::new(BaggagePropagator::new())]),
        TextMapCompositePropagator::new(vec![Box::new(BaggagePropagator::new()), ours()]),
        TextMapCompositePropagator::new(vec![Box::new(TraceContextPropagator::new()), ours()]),
    ];
    for composite in &mut composites {
        let cx = composite.extract(&came_in());
        assert_eq!(list(&cx), format!("a=1,{RUM},b=2"), "{composite:?}");
        assert_eq!(RumContext::from_context(&cx).session_id(), Some("4f04d2f5"));
        let headers = inject(composite, &cx);
        assert_eq!(headers["traceparent"], TRACEPARENT);
        assert_eq!(headers["tracestate"], "a=1,b=2", "{composite:?}");
        let fields: Vec<_> = composite.fields().collect();
        assert!(
            ["traceparent", "tracestate", "sw8"]
                .iter()
                .all(|it| fields.contains(it))
        );
    }
    // RUM entries that another took for baggage are still not.
    let quiet = RumTracePropagator::default().with_baggage();
    let baggage = BaggagePropagator::new().extract(&came_in());
    assert!(baggage.baggage().get("sid").is_some());
    let cx = RumTracePropagator::default()
        .extract_with_context(&baggage, &Lines::of(&[("traceparent", TRACEPARENT)]));
    assert_eq!(inject(&quiet, &cx)["baggage"], "tenant=acme");
}

/// As a service that says "whatever is global" for what it does not know.
#[derive(Debug)]
struct WhateverIsGlobal;

impl TextMapPropagator for WhateverIsGlobal {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        global::get_text_map_propagator(|it| it.inject_context(cx, injector));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        global::get_text_map_propagator(|it| it.extract_with_context(cx, extractor))
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

/// Everything that needs the process's one global propagator.
#[test]
fn it_is_the_global_one() {
    let instrumenter = Instrumenter::builder()
        .fallback_propagator(WhateverIsGlobal)
        .build()
        .expect("valid");
    global::set_text_map_propagator(RumTracePropagator::new(instrumenter.clone()));

    // As instrumented clients and servers of others do.
    let mut incoming = http::HeaderMap::new();
    for (name, value) in came_in().0 {
        let name: http::HeaderName = name.parse().expect("a name");
        incoming.append(name, value.parse().expect("a value"));
    }
    let cx = global::get_text_map_propagator(|it| it.extract(&HeaderExtractor(&incoming)));
    assert_eq!(RumContext::from_context(&cx).session_id(), Some("4f04d2f5"));
    let mut outgoing = http::HeaderMap::new();
    let mut injector = HeaderInjector(&mut outgoing);
    global::get_text_map_propagator(|it| it.inject_context(&cx, &mut injector));
    assert_eq!(outgoing["traceparent"], TRACEPARENT);
    assert_eq!(outgoing["tracestate"], "a=1,b=2");
    assert!(!outgoing.contains_key("baggage"));
    assert_eq!(instrumenter.stats().continued(Carrier::W3c), 1);

    // And the instrumenter, that asks the propagator, that asks the instrumenter.
    let active = instrumenter.start(&Request::get("/").header("traceparent", "00-x"));
    assert!(!active.span_context().is_valid() || !active.span_context().is_remote());
    drop(active);
    let cx = instrumenter.extract(&Lines::default());
    assert!(!cx.has_active_span());
    // Each was asked once, and once more by the fallback.
    assert_eq!(instrumenter.stats().started(), 4);
}

/// Of no use, and of no harm.
#[test]
fn an_instrumenter_may_fall_back_on_one() {
    let harness = Harness::with(|builder| {
        builder
            .carriers([Carrier::Sw8])
            .fallback_propagator(RumTracePropagator::default())
    });
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let span = harness.serve(&request.header("tracestate", RUM));
    assert_eq!(lineage(&span), format!("{TRACE}/{SPAN}"));
    assert_eq!(
        harness.instrumenter.stats().continued(Carrier::Propagator),
        1
    );
}
