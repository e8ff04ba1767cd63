//! The client's session on every span, and on every log record, of its request.

#[cfg(feature = "logs")]
mod logs;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use opentelemetry::trace::{
    Link, Span as _, SpanKind, TraceContextExt as _, TraceId, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SamplingDecision, SamplingResult, SdkTracer, ShouldSample, Span,
    SpanData, SpanLimits, SpanProcessor,
};
use rum_trace_core::{ActiveRequest, ContextSnapshot, Instrumenter, RequestInfo, RumContext};
use rum_trace_otlp::{Pipeline, PipelineBuilder};
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::builder;

const TRACEPARENT: &str = "00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01";
const SESSION: &str = "4f04d2f5";
const APP: &str = "demo123@53df7ad2afe8301";
const RUM: &str = "congo=t61rcWkgMzE,rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1";

/// A request with these headers; a `POST` if it has none, as the calls here.
struct Request(Vec<(&'static str, &'static str)>);

impl Request {
    fn of_a_phone() -> Self {
        Request(vec![("traceparent", TRACEPARENT), ("tracestate", RUM)])
    }

    fn of_a_stranger() -> Self {
        Request(vec![("traceparent", TRACEPARENT)])
    }
}

impl RequestInfo for Request {
    fn method(&self) -> &str {
        if self.0.is_empty() { "POST" } else { "GET" }
    }

    fn path(&self) -> &str {
        "/items"
    }

    fn authority(&self) -> Option<&str> {
        Some("shop.example")
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in &self.0 {
            visit(name, value.as_bytes());
        }
    }
}

/// A pipeline, and what it exported.
struct Telemetry {
    pipeline: Pipeline,
    exporter: InMemorySpanExporter,
}

impl Telemetry {
    fn new(settings: impl FnOnce(PipelineBuilder) -> PipelineBuilder) -> Self {
        let exporter = InMemorySpanExporter::default();
        let builder = builder().span_exporter(exporter.clone());
        Telemetry {
            pipeline: settings(builder).build().unwrap(),
            exporter,
        }
    }

    fn with_session() -> Self {
        Telemetry::new(|builder| builder.session_on_every_span(true))
    }

    fn tracer(&self) -> SdkTracer {
        self.pipeline.tracer_provider().tracer("application")
    }

    fn instrumenter(&self) -> Instrumenter {
        let builder = Instrumenter::builder().span_starter(self.pipeline.span_starter());
        builder.build().unwrap()
    }

    fn spans(&self) -> HashMap<String, SpanData> {
        self.pipeline.flush().unwrap();
        let spans = self.exporter.get_finished_spans().unwrap();
        self.exporter.reset();
        let count = spans.len();
        let by_name: HashMap<_, _> = spans
            .into_iter()
            .map(|span| (span.name.to_string(), span))
            .collect();
        assert_eq!(by_name.len(), count, "each name once");
        by_name
    }
}

fn finish(mut active: ActiveRequest) {
    active.on_response(&200);
    active.finish();
}

/// Serves one request with this handler.
fn serve<T>(instrumenter: &Instrumenter, request: &Request, handler: impl FnOnce() -> T) -> T {
    let active = instrumenter.start(request);
    let result = {
        let _scope = active.scope();
        handler()
    };
    finish(active);
    result
}

/// Session and app as the span has them.
fn session(span: &SpanData) -> BTreeMap<&str, String> {
    let mut found = BTreeMap::new();
    for pair in &span.attributes {
        if let name @ ("session.id" | "rum.app.id") = pair.key.as_str() {
            let twice = found.insert(name, pair.value.as_str().into_owned());
            assert!(twice.is_none(), "{name} is there twice: {span:?}");
        }
    }
    found
}

fn of_the_phone() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("session.id", SESSION.to_owned()),
        ("rum.app.id", APP.to_owned()),
    ])
}

/// Starts spans in every way there is, under a request and outside of any. Those whose
/// names begin with `in` are of the request.
fn work(telemetry: &Telemetry) {
    let tracer = telemetry.tracer();
    let instrumenter = telemetry.instrumenter();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(tracer.clone()));
    drop(tracer.start("before"));
    with_default(subscriber, || {
        serve(&instrumenter, &Request::of_a_phone(), || {
            tracer.in_span("in: child", |_| drop(tracer.start("in: grandchild")));
            tracing::info_span!("in: tracing").in_scope(|| {
                tracing::info_span!("in: tracing's child").in_scope(|| {});
                drop(tracer.start("in: child of tracing's"));
            });
            let call = Request(Vec::new());
            instrumenter.start_call(&call, &Context::current()).finish();
            let task = ContextSnapshot::current();
            let (first, second) = (tracer.clone(), tracer.clone());
            let with = thread::spawn(move || task.run(|| drop(first.start("in: task"))));
            let without = thread::spawn(move || drop(second.start("task without context")));
            with.join().unwrap();
            without.join().unwrap();
        });
        tracing::info_span!("tracing, after").in_scope(|| {});
    });
    drop(tracer.start("after"));
}

#[test]
fn spans_of_a_request_have_it_and_others_do_not() {
    let telemetry = Telemetry::with_session();
    work(&telemetry);
    let spans = telemetry.spans();
    assert_eq!(spans.len(), 12, "{:?}", spans.keys());
    let client = spans.values().find(|it| it.span_kind == SpanKind::Client);
    assert_eq!(session(client.unwrap()), of_the_phone());
    for (name, span) in &spans {
        let server_or_client = span.span_kind != SpanKind::Internal;
        let expected = if server_or_client || name.starts_with("in") {
            of_the_phone()
        } else {
            BTreeMap::new()
        };
        assert_eq!(session(span), expected, "{name}");
    }
}

#[test]
fn without_the_option_the_server_span_alone_has_it() {
    let telemetry = Telemetry::new(|builder| builder);
    work(&telemetry);
    for (name, span) in telemetry.spans() {
        let is_server = span.span_kind == SpanKind::Server;
        assert_eq!(
            session(&span).len(),
            if is_server { 2 } else { 0 },
            "{name}"
        );
    }
}

#[test]
fn all_spans_of_a_request_share_one_copy() {
    let telemetry = Telemetry::with_session();
    let tracer = telemetry.tracer();
    serve(&telemetry.instrumenter(), &Request::of_a_phone(), || {
        drop(tracer.start("first"));
        drop(tracer.start("second"));
    });
    let spans = telemetry.spans();
    let texts = |name: &str| {
        ["session.id", "rum.app.id"].map(|key| {
            let span = &spans[name];
            let found = span.attributes.iter().find(|it| it.key.as_str() == key);
            match &found.unwrap().value {
                Value::String(text) => text.as_str().as_ptr(),
                other => panic!("{other:?}"),
            }
        })
    };
    assert_eq!(texts("first"), texts("second"));
}

#[test]
fn the_server_span_has_it_once_however_it_is_started() {
    let exporting = Telemetry::with_session;
    let processing = || {
        Telemetry::new(|builder| {
            let builder = builder.session_on_every_span(true);
            builder.span_processor(Watching::default())
        })
    };
    for telemetry in [exporting(), processing()] {
        let provider = telemetry.pipeline.tracer_provider();
        let starter = telemetry.pipeline.span_starter();
        let layer = tracing_opentelemetry::layer().with_tracer(telemetry.tracer());
        with_default(tracing_subscriber::registry().with(layer), || {
            for tracing in [false, true] {
                let builder = || Instrumenter::builder().tracing_spans(tracing);
                for builder in [
                    builder().tracer_provider(provider),
                    builder().span_starter(starter.clone()),
                ] {
                    serve(&builder.build().unwrap(), &Request::of_a_phone(), || {});
                    for span in telemetry.spans().into_values() {
                        assert_eq!(session(&span), of_the_phone(), "{tracing}");
                    }
                }
            }
        });
    }
}

#[test]
fn what_a_span_has_already_it_keeps() {
    let telemetry = Telemetry::with_session();
    let tracer = telemetry.tracer();
    serve(&telemetry.instrumenter(), &Request::of_a_phone(), || {
        let own = KeyValue::new("session.id", "of its own");
        let builder = tracer.span_builder("child").with_attributes([own]);
        drop(builder.start(&tracer));
    });
    let expected = BTreeMap::from([
        ("session.id", "of its own".to_owned()),
        ("rum.app.id", APP.to_owned()),
    ]);
    assert_eq!(session(&telemetry.spans()["child"]), expected);
}

/// A sampler of the user's, which names a session itself for some spans and drops others.
#[derive(Clone, Debug)]
struct Choosy;

impl ShouldSample for Choosy {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let (decision, attributes) = match name {
            "dropped" => (SamplingDecision::Drop, Vec::new()),
            "recorded" => (SamplingDecision::RecordOnly, Vec::new()),
            "named" => (
                SamplingDecision::RecordAndSample,
                vec![KeyValue::new("session.id", "the sampler's")],
            ),
            _ => (SamplingDecision::RecordAndSample, Vec::new()),
        };
        SamplingResult {
            decision,
            attributes,
            trace_state: Default::default(),
        }
    }
}

/// What was on a span when processors were first shown it.
#[derive(Clone, Debug, Default)]
struct Watching(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Watching {
    fn on_start(&self, span: &mut Span, _: &Context) {
        self.0.lock().unwrap().extend(span.exported_data());
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
fn samplers_of_the_users_decide_and_processors_see_it() {
    let watching = Watching::default();
    let telemetry = Telemetry::new(|builder| {
        let builder = builder.session_on_every_span(true).sampler(Choosy);
        builder.span_processor(watching.clone())
    });
    let tracer = telemetry.tracer();
    serve(&telemetry.instrumenter(), &Request::of_a_phone(), || {
        for name in ["dropped", "recorded", "named", "sampled"] {
            assert_eq!(tracer.start(name).is_recording(), name != "dropped");
        }
    });
    let by_sampler = BTreeMap::from([
        ("session.id", "the sampler's".to_owned()),
        ("rum.app.id", APP.to_owned()),
    ]);
    let seen = watching.0.lock().unwrap();
    let seen: Vec<_> = seen.iter().map(|it| (&*it.name, session(it))).collect();
    let expected = [
        ("GET", of_the_phone()),
        ("recorded", of_the_phone()),
        ("named", by_sampler),
        ("sampled", of_the_phone()),
    ];
    assert_eq!(seen, expected);
    assert_eq!(telemetry.spans().len(), 3);
}

#[test]
fn the_call_of_a_request_without_a_span_has_it() {
    let samplers = [
        Sampler::AlwaysOn,
        Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
    ];
    for sampler in samplers {
        let telemetry = Telemetry::new(|builder| {
            let builder = builder.session_on_every_span(true);
            builder.sampler(sampler.clone())
        });
        let builder = Instrumenter::builder().span_starter(telemetry.pipeline.span_starter());
        let instrumenter = builder.skip("/items").build().unwrap();
        // With a caller's span, and with none, where the CLIENT span is a root.
        for request in [
            Request::of_a_phone(),
            Request(vec![("baggage", "rum.session.id=4f04d2f5")]),
        ] {
            let told = serve(&instrumenter, &request, || {
                let call = Request(Vec::new());
                instrumenter.start_call(&call, &Context::current()).finish();
                RumContext::current()
            });
            let spans = telemetry.spans();
            assert_eq!(spans.len(), 1, "{spans:?}");
            let found = session(spans.values().next().unwrap());
            let found = found.get("session.id").map(String::as_str);
            assert_eq!(found, told.session_id(), "{sampler:?}");
        }
    }
}

#[test]
fn a_request_has_its_own_and_not_that_of_the_one_around_it() {
    let telemetry = Telemetry::with_session();
    let (tracer, instrumenter) = (telemetry.tracer(), telemetry.instrumenter());
    serve(&instrumenter, &Request::of_a_phone(), || {
        serve(&instrumenter, &Request::of_a_stranger(), || {
            drop(tracer.start("of the stranger"));
        });
        telemetry.pipeline.flush().unwrap();
        drop(tracer.start("of the phone"));
    });
    telemetry.pipeline.flush().unwrap();
    let spans = telemetry.exporter.get_finished_spans().unwrap();
    let of = |name: &str| session(spans.iter().find(|span| span.name == name).unwrap());
    assert_eq!(of("of the stranger"), BTreeMap::new());
    assert_eq!(of("of the phone"), of_the_phone());
}

#[test]
fn the_consumer_of_a_message_has_it() {
    let telemetry = Telemetry::with_session();
    let headers = [("traceparent", TRACEPARENT), ("tracestate", RUM)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = HashMap::<String, String>::from(headers);
    let producer = telemetry.instrumenter().extract(&headers);
    let tracer = telemetry.tracer();
    let consumer = tracer.start_with_context("consumer", &producer);
    let inner = producer.with_span(consumer);
    drop(tracer.start_with_context("inner", &inner));
    drop(inner);
    let spans = telemetry.spans();
    assert_eq!(session(&spans["consumer"]), of_the_phone());
    assert_eq!(session(&spans["inner"]), of_the_phone());
}

#[test]
fn a_span_at_its_limit_keeps_its_own_attributes() {
    let telemetry = Telemetry::new(|builder| {
        let limits = SpanLimits {
            max_attributes_per_span: 2,
            ..SpanLimits::default()
        };
        builder.session_on_every_span(true).span_limits(limits)
    });
    let tracer = telemetry.tracer();
    serve(&telemetry.instrumenter(), &Request::of_a_phone(), || {
        let own = [KeyValue::new("a", 1), KeyValue::new("b", 2)];
        drop(
            tracer
                .span_builder("child")
                .with_attributes(own)
                .start(&tracer),
        );
    });
    let span = &telemetry.spans()["child"];
    let keys: Vec<_> = span.attributes.iter().map(|it| it.key.as_str()).collect();
    assert_eq!((keys, span.dropped_attributes_count), (vec!["a", "b"], 2));
}
