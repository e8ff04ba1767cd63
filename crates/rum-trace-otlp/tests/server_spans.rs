//! The spans that a pipeline starts for rum-trace's layers are those that its
//! tracer would start, for less.

// Clippy's leave for tests does not reach the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanKind, TraceContextExt as _, TraceFlags, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, SpanId, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    IdGenerator, InMemorySpanExporter, Sampler, SamplingResult, ShouldSample, Span, SpanData,
    SpanLimits, SpanProcessor,
};
use rum_trace_core::{Instrumenter, InstrumenterBuilder, RequestInfo, Trust, TrustPolicy};
use rum_trace_otlp::{Pipeline, PipelineBuilder};

const TRACE: &str = "f1b2e75f6c574672afb1e12a6a6fc0dd";
const LIST: &str = "congo=t61rcWkgMzE,rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1";

/// A request with these headers.
struct Request(Vec<(&'static str, String)>);

impl Request {
    fn of_a_phone(flags: &str) -> Self {
        let parent = format!("00-{TRACE}-ecb5e66ba09a2fd3-{flags}");
        Request(vec![
            ("traceparent", parent),
            ("tracestate", LIST.to_owned()),
        ])
    }
}

impl RequestInfo for Request {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/items/42"
    }

    fn route(&self) -> Option<&str> {
        Some("/items/{id}")
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in &self.0 {
            visit(name, value.as_bytes());
        }
    }
}

fn pipeline(exporter: &InMemorySpanExporter) -> PipelineBuilder {
    Pipeline::builder()
        .ignore_environment()
        .service_name("shop")
        .span_exporter(exporter.clone())
}

/// Serves a request, and tells the context that it was served in.
fn serve(instrumenter: &Instrumenter, request: &Request) -> Context {
    let mut active = instrumenter.start(request);
    let cx = active.context().clone();
    active.on_response(&200);
    active.finish();
    cx
}

fn spans(exporter: &InMemorySpanExporter, pipeline: &Pipeline) -> Vec<SpanData> {
    pipeline.flush().unwrap();
    let spans = exporter.get_finished_spans().unwrap();
    exporter.reset();
    spans
}

fn instrumenter(builder: InstrumenterBuilder) -> Instrumenter {
    builder.build().unwrap()
}

fn header(context: &SpanContext) -> String {
    context.trace_state().header()
}

#[test]
fn they_are_those_of_the_tracer() {
    let samplers = [
        None,
        Some("always_on"),
        Some("parentbased_always_on"),
        Some("traceidratio"),
    ];
    let requests = [
        Request::of_a_phone("01"),
        Request::of_a_phone("03"),
        Request(Vec::new()),
    ];
    for sampler in samplers {
        let exporter = InMemorySpanExporter::default();
        let builder = pipeline(&exporter);
        let pipeline = match sampler {
            // The environment's own way is in the unit tests of the sampler.
            Some("always_on") => builder.sampler(Sampler::AlwaysOn),
            Some("traceidratio") => builder.sampler(Sampler::TraceIdRatioBased(1.0)),
            Some(_) => builder.sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))),
            None => builder,
        };
        let pipeline = pipeline.build().unwrap();
        for with_rum in [true, false] {
            let base = || Instrumenter::builder().rum_in_trace_state(with_rum);
            let by_tracer = instrumenter(base().tracer_provider(pipeline.tracer_provider()));
            let by_starter = instrumenter(base().span_starter(pipeline.span_starter()));
            for request in &requests {
                serve(&by_tracer, request);
                serve(&by_starter, request);
                let spans = spans(&exporter, &pipeline);
                let [expected, found] = &spans[..] else {
                    panic!("two spans: {spans:?}");
                };
                same(expected, found);
                let rum = header(&found.span_context).contains("rum=");
                assert_eq!(rum, with_rum && !request.0.is_empty());
            }
        }
    }
}

#[test]
fn the_limit_of_attributes_is_the_tracers() {
    let request = Request::of_a_phone("01");
    // Also one that cuts what requests of a route share, and one that all are within.
    for limit in [0, 1, 2, 3, 4, 9, 128] {
        let exporter = InMemorySpanExporter::default();
        let limits = SpanLimits {
            max_attributes_per_span: limit,
            ..SpanLimits::default()
        };
        let pipeline = pipeline(&exporter).span_limits(limits).build().unwrap();
        let base = Instrumenter::builder;
        let by_tracer = instrumenter(base().tracer_provider(pipeline.tracer_provider()));
        let by_starter = instrumenter(base().span_starter(pipeline.span_starter()));
        // Twice: what was written for the first is there for the second.
        for _ in 0..2 {
            serve(&by_tracer, &request);
            serve(&by_starter, &request);
            let spans = spans(&exporter, &pipeline);
            let [expected, found] = &spans[..] else {
                panic!("two spans: {spans:?}");
            };
            same(expected, found);
            let dropped = expected.dropped_attributes_count;
            assert_eq!(found.dropped_attributes_count, dropped);
            assert_eq!(dropped > 0, limit < 128);
        }
    }
}

/// All but what is another one in each span.
fn same(expected: &SpanData, found: &SpanData) {
    let told = |span: &SpanData| {
        let attributes: Vec<_> = span
            .attributes
            .iter()
            .filter(|kv| kv.key.as_str() != "rum.response.time_to_first_byte")
            .cloned()
            .collect();
        let context = &span.span_context;
        (
            (span.name.clone(), span.span_kind.clone(), attributes),
            (span.parent_span_id, span.parent_span_is_remote),
            (context.trace_flags(), header(context), context.is_remote()),
            span.instrumentation_scope.clone(),
        )
    };
    assert_eq!(told(expected), told(found));
    if found.parent_span_is_remote {
        let ids = (
            expected.span_context.trace_id(),
            found.span_context.trace_id(),
        );
        assert_eq!(ids.0, ids.1);
    }
}

#[test]
fn one_that_is_not_recorded_is_not_described() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).build().unwrap();
    let described = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&described);
    let instrumenter = instrumenter(
        Instrumenter::builder()
            .span_starter(pipeline.span_starter())
            .attributes(move |_, _, _| {
                count.fetch_add(1, Ordering::Relaxed);
            }),
    );
    let cx = serve(&instrumenter, &Request::of_a_phone("00"));
    assert_eq!(described.load(Ordering::Relaxed), 0);
    let span = cx.span();
    let context = span.span_context();
    assert_eq!(context.trace_id().to_string(), TRACE);
    assert_ne!(context.span_id().to_string(), "ecb5e66ba09a2fd3");
    assert!(context.is_valid() && !context.is_sampled() && !context.is_remote());
    // Other people's propagators carry it on as well.
    assert_eq!(header(context), LIST);
    assert!(spans(&exporter, &pipeline).is_empty());

    serve(&instrumenter, &Request::of_a_phone("01"));
    assert_eq!(described.load(Ordering::Relaxed), 1);
    assert_eq!(spans(&exporter, &pipeline).len(), 1);
}

/// Decides by what only the span's description tells.
#[derive(Debug, Clone)]
struct ByRoute;

impl ShouldSample for ByRoute {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let list = parent.map(|cx| header(cx.span().span_context()));
        assert_eq!(list.as_deref(), Some(LIST), "it sees the caller's list");
        let wanted = attributes
            .iter()
            .any(|kv| kv.key.as_str() == "http.route" && kv.value.as_str() == "/items/{id}");
        let sampler = if wanted {
            Sampler::AlwaysOn
        } else {
            Sampler::AlwaysOff
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

#[test]
fn a_sampler_of_ones_own_sees_everything() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).sampler(ByRoute).build().unwrap();
    let instrumenter = instrumenter(Instrumenter::builder().span_starter(pipeline.span_starter()));
    serve(&instrumenter, &Request::of_a_phone("00"));
    let spans = spans(&exporter, &pipeline);
    assert_eq!(spans.len(), 1);
    assert_eq!(header(&spans[0].span_context), LIST);
}

/// The pipeline's own samplers decide on its root, whatever the client's flag is and
/// whichever span is active around.
#[test]
fn a_request_that_is_not_trusted_is_a_root() {
    let samplers = [
        (None, true),
        (Some(Sampler::AlwaysOn), true),
        (
            Some(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))),
            true,
        ),
        (
            Some(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))),
            false,
        ),
    ];
    let flags = ["00", "01"].into_iter();
    for (flags, (sampler, sampled)) in flags.flat_map(|it| samplers.clone().map(|s| (it, s))) {
        let exporter = InMemorySpanExporter::default();
        let builder = pipeline(&exporter);
        let builder = match sampler {
            Some(sampler) => builder.sampler(sampler),
            None => builder,
        };
        let pipeline = builder.build().unwrap();
        let builder = Instrumenter::builder().span_starter(pipeline.span_starter());
        let policy = TrustPolicy::by(|_| Trust::Link);
        let instrumenter = instrumenter(builder.trust(policy));
        for flag_around in [None, Some(TraceFlags::default()), Some(TraceFlags::SAMPLED)] {
            let around = flag_around.map_or_else(Context::new, |flags| {
                let ids = (TraceId::from(7), SpanId::from(7));
                let span = SpanContext::new(ids.0, ids.1, flags, false, TraceState::NONE);
                Context::new().with_remote_span_context(span)
            });
            let guard = around.attach();
            let cx = serve(&instrumenter, &Request::of_a_phone(flags));
            drop(guard);
            let why = format!("{flags} {flag_around:?} {pipeline:?}");
            let span = cx.span().span_context().clone();
            assert!(span.is_valid(), "{why}");
            assert_eq!(span.is_sampled(), sampled, "{why}");
            assert_eq!(header(&span), "", "{why}");
            let spans = spans(&exporter, &pipeline);
            assert_eq!(spans.len(), usize::from(sampled), "{why}");
            for exported in spans {
                assert_eq!(exported.parent_span_id, SpanId::INVALID, "{why}");
                let trace = exported.span_context.trace_id();
                assert_ne!(trace.to_string(), TRACE, "{why}");
                assert_ne!(trace, TraceId::from(7), "{why}");
                assert_eq!(exported.links.len(), 1, "{why}");
            }
        }
    }
}

/// Ids that can be told.
#[derive(Debug)]
struct Counted;

impl IdGenerator for Counted {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(7_u128)
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(9_u64)
    }
}

#[test]
fn the_list_of_a_request_stays_out_of_other_traces() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).build().unwrap();
    let instrumenter = instrumenter(Instrumenter::builder().span_starter(pipeline.span_starter()));
    let cx = serve(&instrumenter, &Request::of_a_phone("01"));
    let tracer = pipeline.tracer_provider().tracer("queue");
    let traces = [TraceId::from(7), TraceId::from_hex(TRACE).unwrap()];
    for (trace_id, span_id) in traces.into_iter().zip([SpanId::from(7), SpanId::from(8)]) {
        // Somebody else's span, taken up while the request is served.
        let flags = TraceFlags::SAMPLED;
        let other = SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE);
        let span = tracer.start_with_context("message", &cx.with_remote_span_context(other));
        assert_eq!(header(span.span_context()), "");
    }
    // A child of the request has it.
    let child = tracer.start_with_context("child", &cx);
    assert_eq!(header(child.span_context()), LIST);
}

#[test]
fn ids_are_the_generators() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).id_generator(Counted).build().unwrap();
    let instrumenter = instrumenter(Instrumenter::builder().span_starter(pipeline.span_starter()));
    for flags in ["00", "01"] {
        let cx = serve(&instrumenter, &Request::of_a_phone(flags));
        assert_eq!(cx.span().span_context().span_id(), SpanId::from(9_u64));
    }
}

#[test]
fn with_a_provider_that_somebody_shut_down_the_trace_goes_on() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).build().unwrap();
    let instrumenter = instrumenter(Instrumenter::builder().span_starter(pipeline.span_starter()));
    pipeline.tracer_provider().shutdown().unwrap();
    let cx = serve(&instrumenter, &Request::of_a_phone("01"));
    let span = cx.span();
    assert_eq!(span.span_context().trace_id().to_string(), TRACE);
    assert_eq!(
        span.span_context().span_id().to_string(),
        "ecb5e66ba09a2fd3"
    );
    assert_eq!(header(span.span_context()), LIST);
}

#[test]
fn the_pipeline_that_is_installed_starts_those_of_layers_that_were_given_nothing() {
    let before = Instrumenter::default();
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).install().unwrap();
    serve(&before, &Request::of_a_phone("01"));
    serve(&Instrumenter::default(), &Request::of_a_phone("01"));
    assert_eq!(spans(&exporter, &pipeline).len(), 2);
    pipeline.shutdown(Duration::from_secs(5)).unwrap();

    // It does not stand in the way of what comes after it.
    let exporter = InMemorySpanExporter::default();
    let after = self::pipeline(&exporter).build().unwrap();
    opentelemetry::global::set_tracer_provider(after.tracer_provider().clone());
    serve(&Instrumenter::default(), &Request::of_a_phone("01"));
    assert_eq!(spans(&exporter, &after).len(), 1);
}

/// For roots: what is sampled is what only the span's description tells.
#[derive(Debug, Clone)]
struct OfItems(bool);

impl ShouldSample for OfItems {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        assert_eq!(name, "GET /items/{id}");
        let sampler = if self.0 && !attributes.is_empty() {
            Sampler::AlwaysOn
        } else {
            Sampler::AlwaysOff
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

#[test]
fn a_parent_based_sampler_asks_for_roots_what_it_was_given() {
    for wanted in [true, false] {
        let exporter = InMemorySpanExporter::default();
        let sampler = Sampler::ParentBased(Box::new(OfItems(wanted)));
        let pipeline = pipeline(&exporter).sampler(sampler).build().unwrap();
        let starter = pipeline.span_starter();
        let instrumenter = instrumenter(Instrumenter::builder().span_starter(starter));
        serve(&instrumenter, &Request(Vec::new()));
        assert_eq!(spans(&exporter, &pipeline).len(), usize::from(wanted));
        // With a caller it is the caller that decides.
        serve(&instrumenter, &Request::of_a_phone("01"));
        serve(&instrumenter, &Request::of_a_phone("00"));
        assert_eq!(spans(&exporter, &pipeline).len(), 1);
    }
}

#[test]
fn roots_that_are_not_sampled_have_ids_and_are_not_described() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).sampler(Sampler::AlwaysOff);
    let pipeline = pipeline.build().unwrap();
    let described = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&described);
    let instrumenter = instrumenter(
        Instrumenter::builder()
            .span_starter(pipeline.span_starter())
            .attributes(move |_, _, _| {
                count.fetch_add(1, Ordering::Relaxed);
            }),
    );
    let cx = serve(&instrumenter, &Request(Vec::new()));
    let span = cx.span();
    assert!(span.span_context().is_valid() && !span.span_context().is_sampled());
    assert_eq!(described.load(Ordering::Relaxed), 0);
    assert!(spans(&exporter, &pipeline).is_empty());
}

/// Does this when a span begins.
struct OnStart(fn(&mut Span, &Context));

impl std::fmt::Debug for OnStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnStart")
    }
}

impl SpanProcessor for OnStart {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.0(span, cx);
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_processor_of_ones_own_sees_the_sdks_spans() {
    let exporter = InMemorySpanExporter::default();
    let marks = OnStart(|span, cx| {
        let rum = rum_trace_core::RumContext::from_context(cx);
        let session = rum.session_id().unwrap_or_default().to_owned();
        span.set_attribute(KeyValue::new("marked", session));
    });
    let pipeline = pipeline(&exporter).span_processor(marks).build().unwrap();
    let instrumenter = instrumenter(Instrumenter::builder().span_starter(pipeline.span_starter()));
    serve(&instrumenter, &Request::of_a_phone("01"));
    let spans = spans(&exporter, &pipeline);
    let marks = spans[0].attributes.iter();
    let marks: Vec<_> = marks.filter(|kv| kv.key.as_str() == "marked").collect();
    assert_eq!(marks.len(), 1);
    assert_eq!(marks[0].value.as_str(), "4f04d2f5");
}

#[test]
fn a_request_inside_of_another_is_its_child() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).build().unwrap();
    let instrumenter = instrumenter(Instrumenter::builder().span_starter(pipeline.span_starter()));
    let outer = serve(&instrumenter, &Request::of_a_phone("01"));
    let inner = {
        let _current = outer.clone().attach();
        serve(&instrumenter, &Request(Vec::new()))
    };
    let spans = spans(&exporter, &pipeline);
    assert_eq!(spans.len(), 2);
    assert_eq!(
        spans[1].parent_span_id,
        outer.span().span_context().span_id()
    );
    assert!(!spans[1].parent_span_is_remote);
    assert_eq!(
        inner.span().span_context().trace_id(),
        outer.span().span_context().trace_id()
    );
}

#[test]
fn sw8_tells_what_the_pipeline_calls_the_service() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(&exporter).build().unwrap();
    let base = || Instrumenter::builder().span_starter(pipeline.span_starter());
    let named = instrumenter(base());
    let otherwise = instrumenter(base().service("till", "till-1"));
    for (instrumenter, service) in [(&named, "shop"), (&otherwise, "till")] {
        let cx = serve(instrumenter, &Request::of_a_phone("01"));
        let mut headers = std::collections::HashMap::new();
        let injection = instrumenter.injection("stock:8080");
        let injection = injection.protocol(rum_trace_core::TraceProtocol::Sw8);
        injection.inject(&cx, &mut headers);
        let sw8 = rum_trace_propagation::Sw8::parse(headers["sw8"].as_bytes()).unwrap();
        assert_eq!(sw8.service(), service);
        assert_ne!(sw8.instance(), "unknown");
        assert_eq!(sw8.peer(), "stock:8080");
    }
}

#[test]
fn a_span_does_not_end_before_its_children() {
    let exporter = InMemorySpanExporter::default();
    let slow = OnStart(|_, _| std::thread::sleep(Duration::from_millis(20)));
    let pipeline = pipeline(&exporter).span_processor(slow).build().unwrap();
    let instrumenter = instrumenter(Instrumenter::builder().span_starter(pipeline.span_starter()));
    let mut active = instrumenter.start(&Request::of_a_phone("01"));
    let tracer = pipeline.tracer_provider().tracer("handler");
    tracer.start_with_context("child", active.context()).end();
    active.on_response(&200);
    active.finish();
    let spans = spans(&exporter, &pipeline);
    let [child, server] = &spans[..] else {
        panic!("two spans: {spans:?}");
    };
    // By two clocks, which may drift; not by what the processor took.
    assert!(server.end_time + Duration::from_millis(5) >= child.end_time);
    assert!(server.start_time <= child.start_time);
}

#[test]
fn a_tracer_that_does_nothing_has_no_span_to_tell_anything() {
    let noop = opentelemetry::trace::noop::NoopTracerProvider::new();
    let told = Arc::new(AtomicU64::new(0));
    let instrumenter = instrumenter(
        Instrumenter::builder()
            .tracer_provider(&noop)
            .capture_response_header("x-long"),
    );
    let mut active = instrumenter.start(&Request::of_a_phone("01"));
    active.on_response(&LongHeader(Arc::clone(&told)));
    active.finish();
    assert_eq!(told.load(Ordering::Relaxed), 0);
}

/// A response whose headers count how often they are asked for.
struct LongHeader(Arc<AtomicU64>);

impl rum_trace_core::ResponseInfo for LongHeader {
    fn status(&self) -> u16 {
        200
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.fetch_add(1, Ordering::Relaxed);
        visit("x-long", b"value");
    }
}
