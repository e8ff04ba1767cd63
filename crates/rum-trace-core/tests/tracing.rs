//! `tracing` spans and log lines under the SERVER span, and the SERVER span as
//! a `tracing` span.

#[path = "tracing/layer.rs"]
mod layer;
mod support;
#[path = "tracing/tasks.rs"]
mod tasks;

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use opentelemetry::trace::{SpanKind, Status, TraceContextExt, TracerProvider};
use opentelemetry::{Context, SpanId, Value};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracer, SdkTracerProvider, SpanData,
};
use rum_trace_core::{
    Failure, Injection, Instrumenter, RumContext, Trust, TrustPolicy, tracing_layer,
};
use support::{RUM, Request, SPAN, TRACE, TRACEPARENT, lineage};
use tracing::{Instrument, Subscriber, info, info_span, instrument};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How the SERVER span is opened.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Default,
    Tracing,
}

const MODES: [Mode; 2] = [Mode::Default, Mode::Tracing];

struct Telemetry {
    provider: SdkTracerProvider,
    spans: InMemorySpanExporter,
    lines: Lines,
}

/// What a log layer wrote.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("lines").clone()).expect("text")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}

impl Telemetry {
    fn new() -> Self {
        Telemetry::sampling(Sampler::AlwaysOn)
    }

    fn sampling(sampler: Sampler) -> Self {
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_simple_exporter(spans.clone())
            .build();
        Telemetry {
            provider,
            spans,
            lines: Lines::default(),
        }
    }

    fn instrumenter(&self, mode: Mode) -> Instrumenter {
        Instrumenter::builder()
            .tracer_provider(&self.provider)
            .tracing_spans(mode == Mode::Tracing)
            .build()
            .expect("settings are right")
    }

    fn tracer(&self) -> SdkTracer {
        self.provider.tracer("application")
    }

    fn otel<S>(&self) -> tracing_opentelemetry::OpenTelemetryLayer<S, SdkTracer>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer().with_tracer(self.tracer())
    }

    /// A text log and OpenTelemetry, as most services have them.
    fn subscriber(&self) -> impl Subscriber + for<'span> LookupSpan<'span> + Send + Sync + use<> {
        let text = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(self.lines.clone());
        Registry::default().with(text).with(self.otel())
    }

    fn spans(&self) -> HashMap<String, SpanData> {
        let spans = self.spans.get_finished_spans().expect("spans");
        let count = spans.len();
        let spans: HashMap<_, _> = spans
            .into_iter()
            .map(|span| (span.name.to_string(), span))
            .collect();
        assert_eq!(spans.len(), count, "each name once");
        spans
    }
}

fn request() -> Request {
    Request::get("/cart")
        .route("/cart")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM)
}

#[instrument]
fn instrumented() {
    info!("in a child");
}

/// Serves a request whose handler logs and has a child span.
fn serve(instrumenter: &Instrumenter) {
    let mut active = instrumenter.start(&request());
    {
        let _scope = active.scope();
        info!("in the handler");
        instrumented();
    }
    active.on_response(&200);
    active.finish();
}

/// The SERVER span is the phone's child, the `tracing` span is the SERVER
/// span's, and there is nothing else.
fn assert_one_trace(telemetry: &Telemetry, why: &str) -> SpanData {
    let mut spans = telemetry.spans();
    assert_eq!(spans.len(), 2, "{why}: {:?}", spans.keys());
    let server = spans.remove("GET /cart").expect("the SERVER span");
    let child = spans.remove("instrumented").expect("the child");
    assert_eq!(lineage(&server), format!("{TRACE}/{SPAN}"), "{why}");
    assert_eq!(server.span_kind, SpanKind::Server, "{why}");
    let server_id = server.span_context.span_id();
    assert_eq!(lineage(&child), format!("{TRACE}/{server_id}"), "{why}");
    server
}

#[test]
fn children_hang_under_the_server_span_in_both_modes() {
    for mode in MODES {
        let telemetry = Telemetry::new();
        tracing::subscriber::with_default(telemetry.subscriber(), || {
            serve(&telemetry.instrumenter(mode));
        });
        assert_one_trace(&telemetry, &format!("{mode:?}"));
    }
}

#[test]
fn also_where_the_layer_activates_no_context() {
    for mode in MODES {
        let telemetry = Telemetry::new();
        let layer = telemetry.otel().with_context_activation(false);
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            serve(&telemetry.instrumenter(mode));
        });
        assert_one_trace(&telemetry, &format!("{mode:?}"));
    }
}

#[test]
fn text_lines_carry_the_ids_and_the_session() {
    let telemetry = Telemetry::new();
    tracing::subscriber::with_default(telemetry.subscriber(), || {
        serve(&telemetry.instrumenter(Mode::Tracing));
    });
    let server = assert_one_trace(&telemetry, "text");
    let lines = telemetry.lines.text();
    let span_id = server.span_context.span_id();
    for message in ["in the handler", "in a child"] {
        let line = lines.lines().find(|line| line.contains(message));
        let line = line.expect("the line");
        for wanted in [
            format!("trace_id={TRACE}"),
            format!("span_id={span_id}"),
            "session.id=\"4f04d2f5\"".to_owned(),
        ] {
            assert!(line.contains(&wanted), "{wanted} in {line}");
        }
    }
}

#[test]
fn json_lines_carry_the_ids_and_the_session() {
    let telemetry = Telemetry::new();
    let json = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(telemetry.lines.clone());
    let subscriber = Registry::default().with(json).with(telemetry.otel());
    tracing::subscriber::with_default(subscriber, || {
        serve(&telemetry.instrumenter(Mode::Tracing));
    });
    let server = assert_one_trace(&telemetry, "json");
    let lines = telemetry.lines.text();
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("json"))
        .collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let span = &line["spans"][0];
        assert_eq!(span["name"], "request");
        assert_eq!(span["trace_id"], TRACE);
        let span_id = server.span_context.span_id().to_string();
        assert_eq!(span["span_id"], span_id);
        assert_eq!(span["session.id"], "4f04d2f5");
    }
}

/// A session's text is the client's: it must not end a line or begin a field.
#[test]
fn what_a_client_sends_cannot_forge_a_line() {
    let telemetry = Telemetry::new();
    tracing::subscriber::with_default(telemetry.subscriber(), || {
        let rum = "rum=v2&browser&app&s1\" level=ERROR\n2026 INFO x&u";
        let request = Request::get("/")
            .header("traceparent", TRACEPARENT)
            .header("tracestate", rum);
        let active = telemetry.instrumenter(Mode::Tracing).start(&request);
        let _scope = active.scope();
        info!("in the handler");
    });
    let lines = telemetry.lines.text();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.contains(r#"kind="malformed_tracestate""#), "{lines}");
    assert!(lines.contains(r#"s1\" level=ERROR"#), "{lines}");
}

#[test]
fn a_filter_that_hides_the_span_does_not_break_the_trace() {
    let everything_hidden = |telemetry: &Telemetry| {
        let filter = EnvFilter::new("info,rum_trace=off");
        Box::new(telemetry.subscriber().with(filter)) as Box<dyn Subscriber + Send + Sync>
    };
    let hidden_from_the_layer = |telemetry: &Telemetry| {
        let filter = filter_fn(|metadata| metadata.target() != "rum_trace");
        let text = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(telemetry.lines.clone());
        let otel = telemetry.otel().with_filter(filter);
        Box::new(Registry::default().with(text).with(otel)) as Box<dyn Subscriber + Send + Sync>
    };
    for (subscriber, lines_have_ids) in [
        (&everything_hidden as &dyn Fn(&Telemetry) -> _, false),
        (&hidden_from_the_layer, true),
    ] {
        let telemetry = Telemetry::new();
        tracing::subscriber::with_default(subscriber(&telemetry), || {
            serve(&telemetry.instrumenter(Mode::Tracing));
        });
        let server = assert_one_trace(&telemetry, "hidden");
        assert!(has(&server, "session.id"), "{server:?}");
        let ids = format!("span_id={}", server.span_context.span_id());
        let lines = telemetry.lines.text();
        assert!(lines.contains("in the handler"));
        assert_eq!(lines.contains(&ids), lines_have_ids, "{lines}");
    }
}

#[test]
fn without_a_layer_or_a_subscriber_there_is_a_span_all_the_same() {
    let only_logs = |telemetry: &Telemetry| {
        let text = tracing_subscriber::fmt::layer().with_writer(telemetry.lines.clone());
        tracing::subscriber::with_default(Registry::default().with(text), || {
            serve(&telemetry.instrumenter(Mode::Tracing));
        });
    };
    let off = |telemetry: &Telemetry| {
        let subscriber = telemetry.subscriber().with(LevelFilter::OFF);
        tracing::subscriber::with_default(subscriber, || {
            serve(&telemetry.instrumenter(Mode::Tracing));
        });
    };
    let none = |telemetry: &Telemetry| {
        tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), || {
            serve(&telemetry.instrumenter(Mode::Tracing));
        });
    };
    for how in [&only_logs as &dyn Fn(&Telemetry), &off, &none] {
        let telemetry = Telemetry::new();
        how(&telemetry);
        let spans = telemetry.spans();
        assert_eq!(spans.len(), 1);
        assert_eq!(lineage(&spans["GET /cart"]), format!("{TRACE}/{SPAN}"));
    }
}

#[tokio::test]
async fn tasks_spawned_with_the_context_hang_under_it() {
    use opentelemetry::trace::FutureExt as _;
    for mode in MODES {
        let telemetry = Telemetry::new();
        let _default = tracing::subscriber::set_default(telemetry.subscriber());
        let active = telemetry.instrumenter(mode).start(&request());
        let (with_span, with_context) = {
            let _scope = active.scope();
            let work = async { info_span!("of the span").in_scope(|| info!("work")) };
            let more = async { info_span!("of the context").in_scope(|| info!("more")) };
            (
                tokio::spawn(work.instrument(info_span!("task"))),
                tokio::spawn(more.with_context(Context::current())),
            )
        };
        // The response does not wait for them.
        active.finish();
        with_span.await.expect("done");
        with_context.await.expect("done");
        let spans = telemetry.spans();
        let server = spans["GET /cart"].span_context.span_id();
        let task = spans["task"].span_context.span_id();
        let under = |name: &str| spans[name].parent_span_id;
        assert_eq!(under("task"), server, "{mode:?}");
        assert_eq!(under("of the span"), task, "{mode:?}");
        assert_eq!(under("of the context"), server, "{mode:?}");
        assert!(
            spans
                .values()
                .all(|span| span.span_context.trace_id().to_string() == TRACE)
        );
    }
}

/// The SERVER span ends with the response, not with the last task that still
/// has the `tracing` span; and it does not end a second time with that.
#[test]
fn the_span_ends_with_the_request_and_once() {
    let telemetry = Telemetry::new();
    tracing::subscriber::with_default(telemetry.subscriber(), || {
        let active = telemetry.instrumenter(Mode::Tracing).start(&request());
        let held = {
            let _scope = active.scope();
            tracing::Span::current()
        };
        active.fail(Failure::Handler);
        let span = telemetry.spans().remove("GET /cart").expect("ended");
        assert_eq!(span.status, Status::error(""));
        held.in_scope(|| info!("late"));
        drop(held);
    });
    assert_eq!(
        telemetry.spans.get_finished_spans().expect("spans").len(),
        1
    );
}

#[test]
fn both_modes_give_the_same_span() {
    let of = |mode| {
        let telemetry = Telemetry::new();
        tracing::subscriber::with_default(telemetry.subscriber(), || {
            let active = telemetry.instrumenter(mode).start(
                &request().header("sw8", support::SW8), // another trace: a link
            );
            let mut active = active;
            active.on_response(&503);
            active.finish();
        });
        telemetry.spans().remove("GET /cart").expect("a span")
    };
    let (plain, traced) = (of(Mode::Default), of(Mode::Tracing));
    assert_eq!(plain.span_kind, traced.span_kind);
    assert_eq!(plain.status, traced.status);
    assert_eq!(plain.parent_span_id, traced.parent_span_id);
    assert_eq!(plain.parent_span_is_remote, traced.parent_span_is_remote);
    assert_eq!(plain.links, traced.links);
    assert_eq!(
        plain.span_context.trace_state(),
        traced.span_context.trace_state()
    );
    let mut extra: Vec<&str> = Vec::new();
    for kv in &traced.attributes {
        let same = plain.attributes.iter().filter(|own| own.key == kv.key);
        match same.map(|own| &own.value).next() {
            Some(Value::F64(_)) => {}
            Some(value) => assert_eq!(*value, kv.value, "{}", kv.key),
            None => extra.push(kv.key.as_str()),
        }
    }
    for kv in &plain.attributes {
        assert!(has(&traced, kv.key.as_str()), "{} is missing", kv.key);
    }
    // tracing-opentelemetry's own, which its layer can leave out, and the fields.
    extra.sort_unstable();
    let of_the_layer = |name: &str| name.starts_with("code.") || name.starts_with("thread.");
    let ours: Vec<_> = extra.into_iter().filter(|n| !of_the_layer(n)).collect();
    assert_eq!(ours, ["span_id", "target", "trace_id"]);
}

/// With the layer filtered as the guide says: left alone, it turns the line into
/// the span's status.
#[test]
fn a_log_line_of_level_error_is_not_the_response() {
    for mode in MODES {
        let telemetry = Telemetry::new();
        let only_spans = filter_fn(|metadata| !metadata.is_event());
        let layer = telemetry.otel().with_filter(only_spans);
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            let mut active = telemetry.instrumenter(mode).start(&request());
            {
                let _scope = active.scope();
                tracing::error!("the cache is down");
            }
            active.on_response(&200);
            active.finish();
        });
        let span = telemetry.spans().remove("GET /cart").expect("a span");
        assert_eq!(span.status, Status::Unset, "{mode:?}");
        assert!(!has(&span, "error.type"), "{mode:?}");
    }
}

#[test]
fn an_unsampled_request_stays_unsampled() {
    for mode in MODES {
        let telemetry = Telemetry::sampling(Sampler::AlwaysOff);
        tracing::subscriber::with_default(telemetry.subscriber(), || {
            let active = telemetry.instrumenter(mode).start(&request());
            assert!(!active.span_context().is_sampled());
            assert_eq!(active.span_context().trace_id().to_string(), TRACE);
            active.finish();
        });
        assert!(telemetry.spans().is_empty(), "{mode:?}");
    }
}

#[test]
fn what_travels_in_the_context_is_there_under_a_tracing_span_too() {
    for mode in MODES {
        let telemetry = Telemetry::new();
        tracing::subscriber::with_default(telemetry.subscriber(), || {
            let active = telemetry.instrumenter(mode).start(&request());
            let _scope = active.scope();
            let child = info_span!("child").entered();
            assert_eq!(RumContext::current().session_id(), Some("4f04d2f5"));
            let mut headers = HashMap::new();
            Injection::to_own_service().inject(&Context::current(), &mut headers);
            assert_eq!(headers["tracestate"], RUM);
            assert!(headers["traceparent"].contains(TRACE));
            let sender = Context::current().span().span_context().span_id();
            assert_ne!(sender, active.span_context().span_id(), "the child's own");
            assert_ne!(sender, SpanId::INVALID);
            drop(child);
        });
    }
}

#[test]
fn opentelemetry_logs_carry_the_ids() {
    for mode in MODES {
        let telemetry = Telemetry::new();
        let logs = InMemoryLogExporter::default();
        let provider = SdkLoggerProvider::builder()
            .with_simple_exporter(logs.clone())
            .build();
        let bridge = OpenTelemetryTracingBridge::new(&provider);
        let subscriber = telemetry.subscriber().with(bridge);
        let mut server = SpanId::INVALID;
        tracing::subscriber::with_default(subscriber, || {
            let active = telemetry.instrumenter(mode).start(&request());
            server = active.span_context().span_id();
            let _scope = active.scope();
            info!("in the handler");
        });
        let logs = logs.get_emitted_logs().expect("logs");
        assert_eq!(logs.len(), 1, "{mode:?}");
        let context = logs[0].record.trace_context().expect("a trace context");
        assert_eq!(context.trace_id.to_string(), TRACE, "{mode:?}");
        assert_eq!(context.span_id, server, "{mode:?}");
    }
}

/// A span that is open around, of `tracing` or not, is no parent; nor is the client's.
#[test]
fn a_client_that_is_not_trusted_gets_a_trace_of_its_own() {
    let subscribers: [fn(&Telemetry) -> Box<dyn Subscriber + Send + Sync>; 2] = [
        |telemetry| Box::new(telemetry.subscriber()),
        |telemetry| {
            let otel = tracing_layer(telemetry.otel(), LevelFilter::TRACE);
            Box::new(Registry::default().with(otel))
        },
    ];
    for (trust, mode, subscriber) in [Trust::Link, Trust::Restart].into_iter().flat_map(|trust| {
        let modes = MODES.into_iter();
        modes.flat_map(move |mode| subscribers.map(|subscriber| (trust, mode, subscriber)))
    }) {
        let parent_based = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let telemetry = Telemetry::sampling(parent_based);
        let instrumenter = Instrumenter::builder()
            .tracer_provider(&telemetry.provider)
            .tracing_spans(mode == Mode::Tracing)
            .trust(TrustPolicy::by(move |_| trust))
            .build()
            .expect("settings are right");
        tracing::subscriber::with_default(subscriber(&telemetry), || {
            let _around = info_span!("around").entered();
            serve(&instrumenter);
        });
        let spans = telemetry.spans();
        let why = format!("{trust} {mode:?}: {spans:#?}");
        let (server, around) = (&spans["GET /cart"], &spans["around"]);
        assert_eq!(server.parent_span_id, SpanId::INVALID, "{why}");
        let trace = server.span_context.trace_id();
        assert_ne!(trace, around.span_context.trace_id(), "{why}");
        assert_ne!(trace.to_string(), TRACE, "{why}");
        assert_eq!(
            spans["instrumented"].span_context.trace_id(),
            trace,
            "{why}"
        );
        let links = usize::from(trust == Trust::Link);
        assert_eq!(server.links.len(), links, "{why}");
        assert_eq!(has(server, "session.id"), links == 1, "{why}");
        assert!(has(server, "rum.trust"), "{why}");
    }
}

fn has(span: &SpanData, attribute: &str) -> bool {
    span.attributes
        .iter()
        .any(|kv| kv.key.as_str() == attribute)
}
