//! What a queue's message carries.

mod support;

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer, TracerProvider};
use proptest::prelude::*;
use rum_trace_core::{Carrier, Injection, RumContext, Stats, TraceProtocol};
use support::*;

type Headers = HashMap<String, String>;

fn inject(cx: &Context, injection: Injection<'_>) -> Headers {
    let mut headers = HashMap::new();
    injection.inject(cx, &mut headers);
    headers
}

/// All that can be seen of a context that came in.
#[derive(Debug, PartialEq)]
struct Seen {
    span: opentelemetry::trace::SpanContext,
    rum: RumContext,
    baggage: Vec<(String, String)>,
    own: Headers,
    third_party: Headers,
    stats: Stats,
}

impl Seen {
    fn new(cx: &Context, mut stats: Stats) -> Self {
        let both = TraceProtocol::Both;
        let mut baggage: Vec<_> = cx
            .baggage()
            .iter()
            .map(|(key, (value, _))| (key.to_string(), value.to_string()))
            .collect();
        baggage.sort();
        stats.filtered = 0;
        Seen {
            span: cx.span().span_context().clone(),
            rum: RumContext::from_context(cx),
            baggage,
            own: inject(cx, Injection::to_own_service().protocol(both)),
            third_party: inject(cx, Injection::to_third_party().protocol(both)),
            stats,
        }
    }

    /// The context of a request that got no span is the caller's.
    fn in_request(headers: &[(&str, &str)]) -> Self {
        let harness = Harness::with(|builder| builder.filter(|_| false));
        let request = headers.iter().fold(Request::get("/"), |it, (name, value)| {
            it.header(name, value)
        });
        let active = harness.instrumenter.start(&request);
        Seen::new(active.context(), harness.instrumenter.stats())
    }

    fn in_message(headers: &[(&str, &str)]) -> Self {
        let harness = Harness::new();
        let cx = harness.instrumenter.extract(&Lines::of(headers));
        Seen::new(&cx, harness.instrumenter.stats())
    }
}

const B3: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1";

#[test]
fn a_message_is_read_as_a_request_is() {
    let illegal = format!("{RUM}=é");
    let table: [&[(&str, &str)]; 14] = [
        &[],
        &[("traceparent", TRACEPARENT)],
        &[
            ("traceparent", TRACEPARENT),
            ("tracestate", "a=1"),
            ("tracestate", RUM),
            ("tracestate", "b=2"),
        ],
        &[("traceparent", TRACEPARENT), ("tracestate", &illegal)],
        &[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        &[("traceparent", "00-x"), ("tracestate", RUM)],
        &[("sw8", SW8), ("sw8-correlation", "dGVuYW50:YWNtZQ==")],
        &[
            ("sw8", SW8),
            ("tracestate", "alibabacloud_rum=Android/2/1_APK"),
        ],
        &[("sw8", "1-x"), ("traceparent", TRACEPARENT)],
        &[("traceparent", TRACEPARENT), ("sw8", SW8)],
        &[("b3", B3)],
        &[
            ("X-B3-TraceId", TRACE),
            ("X-B3-SpanId", SPAN),
            ("X-B3-Sampled", "0"),
            ("X-B3-Flags", "1"),
        ],
        &[(
            "uber-trace-id",
            "4bf92f3577b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1",
        )],
        &[
            ("traceparent", TRACEPARENT),
            ("baggage", "tenant=acme,rum=v2,pid=p,sid=s"),
            ("baggage", "b=2"),
        ],
    ];
    for headers in table {
        assert_eq!(
            Seen::in_message(headers),
            Seen::in_request(headers),
            "{headers:?}"
        );
    }
    // The comparison compares something.
    let seen = Seen::in_message(table[2]);
    assert_eq!(seen.own["tracestate"], format!("a=1,{RUM},b=2"));
    assert_eq!(seen.third_party["tracestate"], "a=1,b=2");
    assert_eq!(seen.rum.session_id(), Some("4f04d2f5"));
    assert_eq!(seen.stats.continued(Carrier::W3c), 1);
    assert!(seen.span.is_remote());
}

fn header() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec![
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
        "x-other",
    ]);
    let known = prop::sample::select(vec![
        TRACEPARENT,
        RUM,
        SW8,
        B3,
        TRACE,
        SPAN,
        "a=1, b=2",
        "dGVuYW50:YWNtZQ==",
    ]);
    let value = prop_oneof![known.prop_map(str::to_owned), "\\PC{0,40}", ".{0,40}",];
    (name.prop_map(str::to_owned), value)
}

proptest! {
    #[test]
    fn whatever_it_holds(headers in prop::collection::vec(header(), 0..8)) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assert_eq!(Seen::in_message(&headers), Seen::in_request(&headers));
    }
}

/// From a phone through one's own queue to one's own service.
#[test]
fn a_trace_goes_through_a_queue() {
    let list = format!("a=1,{RUM},b=2");
    let harness = Harness::new();
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT.replace("-01", "-03"))
        .header("tracestate", &list)
        .header("baggage", "tenant=acme");
    let active = harness.instrumenter.start(&request);
    let to_queue = Injection::to_own_service().protocol(TraceProtocol::W3c);
    let message = inject(active.context(), to_queue);
    let server = active.span_context();
    active.finish();
    harness.take_span();

    let producer = harness.instrumenter.extract(&message);
    let rum = RumContext::from_context(&producer);
    assert_eq!(rum.session_id(), Some("4f04d2f5"));
    assert_eq!(
        producer
            .baggage()
            .get("tenant")
            .map(opentelemetry::StringValue::as_str),
        Some("acme")
    );
    let tracer = harness.provider.tracer("worker");
    let span = tracer
        .span_builder("process orders")
        .with_kind(SpanKind::Consumer);
    let consumer = producer.with_span(span.start_with_context(&tracer, &producer));
    let onward = inject(&consumer, Injection::to_own_service());
    let consumer_id = consumer.span().span_context().span_id();
    assert_eq!(
        onward["traceparent"],
        format!("00-{TRACE}-{consumer_id}-03")
    );
    assert_eq!(onward["tracestate"], list, "put back at their place");
    assert_eq!(onward["baggage"], "tenant=acme");
    let third_party = inject(&consumer, Injection::to_third_party());
    assert_eq!(third_party["tracestate"], "a=1,b=2");
    assert!(!third_party.contains_key("baggage"));

    drop((onward, consumer));
    let span = harness.take_span().expect("the consumer's");
    assert_eq!(span.parent_span_id, server.span_id());
    assert!(span.parent_span_is_remote);
}

#[test]
fn a_skywalking_agents_message_goes_on_as_such() {
    let harness = Harness::new();
    let headers = HashMap::from([("sw8".to_owned(), SW8.to_owned())]);
    let cx = harness.instrumenter.extract(&headers);
    assert_eq!(cx.span().span_context().trace_id().to_string(), SW8_TRACE);
    let onward = inject(&cx, Injection::to_own_service());
    assert!(
        onward["sw8"].starts_with("1-My40LjU=-"),
        "the id's own text: {onward:?}"
    );
}

#[test]
fn a_message_that_tells_nothing_leaves_the_context_as_it_is() {
    let harness = Harness::new();
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let active = harness
        .instrumenter
        .start(&request.header("tracestate", RUM));
    let _scope = active.scope();
    for headers in [&[][..], &[("traceparent", "00-x")], &[("x-other", "1")]] {
        let cx = harness.instrumenter.extract(&Lines::of(headers));
        assert_eq!(
            *cx.span().span_context(),
            active.span_context(),
            "{headers:?}"
        );
        let rum = RumContext::from_context(&cx);
        assert_eq!(rum.session_id(), Some("4f04d2f5"), "{headers:?}");
        let onward = inject(&cx, Injection::to_own_service());
        assert_eq!(onward["tracestate"], RUM, "{headers:?}");
    }
    // Of another trace: another client, or none.
    for other in [
        ("b3", format!("{SPAN}{SPAN}-{SPAN}-1")),
        ("sw8", SW8.to_owned()),
    ] {
        let cx = harness
            .instrumenter
            .extract(&Lines::of(&[(other.0, &other.1)]));
        assert!(cx.span().span_context().is_remote());
        assert!(RumContext::from_context(&cx).is_empty());
    }
    assert_eq!(
        Context::current().span().span_context(),
        &active.span_context()
    );
}

#[test]
fn what_is_too_long_is_not_read() {
    let long = |prefix: &str| format!("{prefix}{}", "x".repeat(32_768));
    let table: [(&str, String); 4] = [
        ("sw8", long(SW8)),
        ("tracestate", long(RUM)),
        ("baggage", long("rum=v2,sid=s,a=")),
        ("b3", long(B3)),
    ];
    for (name, value) in &table {
        let harness = Harness::new();
        let cx = harness.instrumenter.extract(&Lines::of(&[(name, value)]));
        assert!(!cx.has_active_span() && cx.baggage().is_empty(), "{name}");
        assert!(RumContext::from_context(&cx).is_empty(), "{name}");
        let stats = harness.instrumenter.stats();
        assert_eq!((stats.over_limit, stats.absent), (1, 1), "{name}");
    }
    // In many lines, too; and the rest is read all the same.
    let harness = Harness::new();
    let mut lines = vec![("tracestate", "rum=v2&browser&p&s"); 10_000];
    lines.push(("traceparent", TRACEPARENT));
    let cx = harness.instrumenter.extract(&Lines::of(&lines));
    assert_eq!(cx.span().span_context().trace_id().to_string(), TRACE);
    assert!(RumContext::from_context(&cx).is_empty());
    assert_eq!(harness.instrumenter.stats().over_limit, 1);
}

/// Finds a span in a header of its own.
#[derive(Debug)]
struct Homemade;

impl TextMapPropagator for Homemade {
    fn inject_context(&self, _: &Context, _: &mut dyn Injector) {}

    fn extract_with_context(&self, cx: &Context, carrier: &dyn Extractor) -> Context {
        match carrier
            .get("x-trace")
            .and_then(|it| u128::from_str_radix(it, 16).ok())
        {
            Some(id) => cx.with_remote_span_context(opentelemetry::trace::SpanContext::new(
                id.into(),
                7.into(),
                opentelemetry::trace::TraceFlags::SAMPLED,
                true,
                Default::default(),
            )),
            None => cx.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

#[test]
fn the_fallback_propagator_is_asked_of_messages_too() {
    let harness = Harness::with(|builder| builder.fallback_propagator(Homemade));
    let outer = Request::get("/").header("traceparent", TRACEPARENT);
    let active = harness.instrumenter.start(&outer.header("tracestate", RUM));
    let _scope = active.scope();
    let cx = harness
        .instrumenter
        .extract(&Lines::of(&[("x-trace", "ab")]));
    assert_eq!(cx.span().span_context().trace_id(), 0xab_u128.into());
    assert!(
        RumContext::from_context(&cx).is_empty(),
        "not the outer client"
    );
    assert_eq!(
        harness.instrumenter.stats().continued(Carrier::Propagator),
        1
    );
    let cx = harness.instrumenter.extract(&Lines::default());
    assert_eq!(*cx.span().span_context(), active.span_context());
}
