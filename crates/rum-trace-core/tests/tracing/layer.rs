//! `tracing_layer`: the request's `tracing` span is beside the SERVER span, and
//! `tracing-opentelemetry` does not see it.

use opentelemetry::KeyValue;
use opentelemetry::trace::FutureExt as _;
use rum_trace_core::tracing_layer;
use tracing::subscriber::{set_default, with_default};
use tracing::{Span, debug, error};
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::reload;

use super::*;

fn only_spans() -> FilterFn {
    filter_fn(|metadata| !metadata.is_event())
}

impl Telemetry {
    fn text<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(self.lines.clone())
    }

    fn beside<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_layer(self.otel(), only_spans())
    }

    /// As the guide has it.
    fn guide(&self) -> impl Subscriber + for<'span> LookupSpan<'span> + Send + Sync + use<> {
        Registry::default().with(self.text()).with(self.beside())
    }
}

#[test]
fn lines_carry_the_ids_and_children_hang_under_the_server_span() {
    let telemetry = Telemetry::new();
    with_default(telemetry.guide(), || {
        serve(&telemetry.instrumenter(Mode::Tracing));
    });
    let server = assert_one_trace(&telemetry, "beside");
    let lines = telemetry.lines.text();
    let span_id = server.span_context.span_id();
    let fields = format!("request{{trace_id={TRACE} span_id={span_id} session.id=\"4f04d2f5\"}}");
    assert_eq!(lines.matches(&fields).count(), 2, "{lines}");
}

/// Also in the order the other way around, with filters of the user's, and where
/// `tracing-opentelemetry` looks at `tracing` spans first.
#[test]
fn so_it_is_in_other_subscribers() {
    fn check<S: Subscriber + Send + Sync + 'static>(
        why: &str,
        subscriber: impl FnOnce(&Telemetry) -> S,
        lines_have_ids: bool,
    ) {
        let telemetry = Telemetry::new();
        with_default(subscriber(&telemetry), || {
            serve(&telemetry.instrumenter(Mode::Tracing));
        });
        let server = assert_one_trace(&telemetry, why);
        let ids = format!("span_id={}", server.span_context.span_id());
        let lines = telemetry.lines.text();
        assert_eq!(lines.contains(&ids), lines_have_ids, "{why}: {lines}");
    }
    check(
        "the other order",
        |telemetry| {
            Registry::default()
                .with(telemetry.beside())
                .with(telemetry.text())
        },
        true,
    );
    check(
        "no activation",
        |telemetry| {
            let otel = telemetry.otel().with_context_activation(false);
            Registry::default()
                .with(telemetry.text())
                .with(tracing_layer(otel, only_spans()))
        },
        true,
    );
    check(
        "a filter of directives",
        |telemetry| {
            let otel = tracing_layer(telemetry.otel(), EnvFilter::new("info"));
            Registry::default().with(telemetry.text()).with(otel)
        },
        true,
    );
    check(
        "no filter",
        |telemetry| {
            let otel = tracing_layer(telemetry.otel(), None::<LevelFilter>);
            Registry::default().with(telemetry.text()).with(otel)
        },
        true,
    );
    check(
        "hidden",
        |telemetry| telemetry.guide().with(EnvFilter::new("info,rum_trace=off")),
        false,
    );
    check(
        "cannot be asked for what is in it",
        |telemetry| {
            let (reloaded, _handle) = reload::Layer::new(telemetry.beside());
            Registry::default().with(telemetry.text()).with(reloaded)
        },
        true,
    );
}

#[test]
fn what_the_client_told_cannot_forge_a_line_here_either() {
    let telemetry = Telemetry::new();
    with_default(telemetry.guide(), || {
        let rum = "rum=v2&browser&app&s1\" level=ERROR\n2026 INFO x&u";
        let request = request().header("tracestate", rum);
        let active = telemetry.instrumenter(Mode::Tracing).start(&request);
        let _scope = active.scope();
        info!("in the handler");
    });
    let lines = telemetry.lines.text();
    // The other one is rum-trace's own, of the list that cannot be carried on.
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(!lines.contains("\n2026 INFO"), "{lines}");
}

#[test]
fn the_span_is_the_one_without_tracing() {
    let of = |mode| {
        let telemetry = Telemetry::new();
        with_default(telemetry.guide(), || {
            let request = request().header("sw8", support::SW8); // a link
            let mut active = telemetry.instrumenter(mode).start(&request);
            active.on_response(&503);
            active.finish();
        });
        telemetry.spans().remove("GET /cart").expect("a span")
    };
    let (plain, traced) = (of(Mode::Default), of(Mode::Tracing));
    let names =
        |span: &SpanData| -> Vec<_> { span.attributes.iter().map(|kv| kv.key.clone()).collect() };
    assert_eq!(names(&plain), names(&traced));
    assert_eq!(plain.links, traced.links);
    assert_eq!(plain.status, traced.status);
    assert_eq!(
        plain.instrumentation_scope.name(),
        traced.instrumentation_scope.name()
    );
}

#[test]
fn an_unsampled_request_stays_unsampled_and_has_its_ids_in_the_log() {
    let telemetry = Telemetry::sampling(Sampler::AlwaysOff);
    with_default(telemetry.guide(), || {
        serve(&telemetry.instrumenter(Mode::Tracing));
    });
    assert!(telemetry.spans().is_empty());
    assert!(telemetry.lines.text().contains(TRACE));
}

/// By each way to hand a request's spans to a task.
#[tokio::test]
async fn tasks_hang_under_the_server_span() {
    let telemetry = Telemetry::new();
    let _default = set_default(telemetry.guide());
    let active = telemetry.instrumenter(Mode::Tracing).start(&request());
    let work = |name: &'static str| async move {
        for step in 0..2 {
            info_span!("work", otel.name = format!("{name} {step}")).in_scope(|| info!("work"));
            tokio::task::yield_now().await;
        }
        RumContext::current().session_id().map(str::to_owned)
    };
    let tasks = {
        let _scope = active.scope();
        [
            tokio::spawn(work("current").in_current_span()),
            tokio::spawn(work("span").instrument(Span::current())),
            tokio::spawn(work("context").with_context(Context::current())),
            tokio::spawn(work("child").instrument(info_span!("task"))),
        ]
    };
    // The response does not wait for them.
    active.finish();
    for task in tasks {
        assert_eq!(task.await.expect("done").as_deref(), Some("4f04d2f5"));
    }
    let spans = telemetry.spans();
    let id = |name: &str| spans[name].span_context.span_id();
    let (server, task) = (id("GET /cart"), id("task"));
    for (name, parent) in [
        ("current", server),
        ("span", server),
        ("context", server),
        ("task", server),
        ("child", task),
    ] {
        let mut of_it = spans.values().filter(|span| span.name.starts_with(name));
        assert!(of_it.all(|span| span.parent_span_id == parent), "{name}");
    }
    assert_eq!(spans.len(), 10, "{:?}", spans.keys());
    let of_the_trace = |span: &SpanData| span.span_context.trace_id().to_string() == TRACE;
    assert!(spans.values().all(of_the_trace));
}

/// Entering the request's span is no end to what was current before, however
/// they are nested.
#[test]
fn leaving_a_span_leaves_what_it_entered() {
    let telemetry = Telemetry::new();
    with_default(telemetry.guide(), || {
        let active = telemetry.instrumenter(Mode::Tracing).start(&request());
        let server = active.span_context().span_id();
        let current = || Context::current().span().span_context().span_id();
        let (request_span, baggage) = {
            let _scope = active.scope();
            let cx = Context::current_with_value(KeyValue::new("of", "the handler"));
            (Span::current(), cx)
        };
        assert_eq!(current(), SpanId::INVALID);
        request_span.in_scope(|| {
            assert_eq!(current(), server);
            request_span.in_scope(|| assert_eq!(current(), server));
            assert_eq!(current(), server, "the inner one is left, not the outer");
            info_span!("child").in_scope(|| {
                assert_ne!(current(), server);
                request_span.in_scope(|| assert_eq!(current(), server));
                assert_ne!(current(), server);
            });
            let _guard = baggage.attach();
            request_span.in_scope(|| {
                let kept = Context::map_current(|cx| cx.get::<KeyValue>().cloned());
                assert!(kept.is_some(), "a handler's value is not taken away");
            });
        });
        assert_eq!(current(), SpanId::INVALID);
    });
}

/// One thread serves requests in turns.
#[test]
fn requests_do_not_get_each_other_s_spans() {
    let telemetry = Telemetry::new();
    with_default(telemetry.guide(), || {
        let instrumenter = telemetry.instrumenter(Mode::Tracing);
        let requests: Vec<_> = (0..3)
            .map(|_| instrumenter.start(&Request::get("/")))
            .collect();
        for _poll in 0..2 {
            for active in &requests {
                let _scope = active.scope();
                let id = Context::current().span().span_context().span_id();
                assert_eq!(id, active.span_context().span_id());
                info!("of {id}.");
            }
        }
        let lines = telemetry.lines.text();
        for active in requests {
            let id = active.span_context().span_id();
            let own: Vec<_> = lines
                .lines()
                .filter(|line| line.contains(&format!("of {id}.")))
                .collect();
            assert_eq!(own.len(), 2);
            let field = format!("span_id={id}");
            assert!(own.iter().all(|line| line.contains(&field)), "{own:?}");
        }
    });
}

#[test]
fn a_log_line_is_neither_an_event_nor_the_response() {
    let telemetry = Telemetry::new();
    let otel = tracing_layer(telemetry.otel(), None::<LevelFilter>);
    with_default(Registry::default().with(otel), || {
        let active = telemetry.instrumenter(Mode::Tracing).start(&request());
        {
            let _scope = active.scope();
            error!("the cache is down");
            info_span!("child").in_scope(|| error!("so is the database"));
        }
        active.finish();
    });
    let spans = telemetry.spans();
    assert_eq!(spans["GET /cart"].status, Status::Unset);
    assert!(spans["GET /cart"].events.is_empty());
    assert_eq!(spans["child"].events.len(), 1, "as the layer does it");
}

#[test]
fn opentelemetry_logs_carry_the_ids_beside_too() {
    let telemetry = Telemetry::new();
    let logs = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_simple_exporter(logs.clone())
        .build();
    let subscriber = telemetry
        .guide()
        .with(OpenTelemetryTracingBridge::new(&provider));
    let mut server = SpanId::INVALID;
    with_default(subscriber, || {
        let active = telemetry.instrumenter(Mode::Tracing).start(&request());
        server = active.span_context().span_id();
        let _scope = active.scope();
        info!("in the handler");
    });
    let logs = logs.get_emitted_logs().expect("logs");
    let context = logs[0].record.trace_context().expect("a trace context");
    assert_eq!(context.span_id, server);
}

/// The layer must not have levels enabled that nobody asked for.
#[test]
fn what_is_disabled_stays_disabled() {
    let telemetry = Telemetry::new();
    let otel = tracing_layer(telemetry.otel(), LevelFilter::WARN);
    let text = telemetry.text().with_filter(LevelFilter::INFO);
    let subscriber = Registry::default().with(text).with(otel);
    assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO));
    with_default(subscriber, || {
        let active = telemetry.instrumenter(Mode::Tracing).start(&request());
        let _scope = active.scope();
        debug!("not asked for");
        let _not_for_the_trace = info_span!("quiet").entered();
    });
    assert_eq!(telemetry.spans().len(), 1);
    assert_eq!(telemetry.lines.text(), "");
}

/// A filter with a state of its own is told of all that it has let through.
#[test]
fn a_filter_is_told_of_spans() {
    let telemetry = Telemetry::new();
    let otel = tracing_layer(telemetry.otel(), EnvFilter::new("off,[instrumented]=info"));
    with_default(Registry::default().with(otel), || {
        let active = telemetry.instrumenter(Mode::Tracing).start(&request());
        {
            let _scope = active.scope();
            let _hidden = info_span!("hidden").entered();
            instrumented();
        }
        active.finish();
    });
    let server = assert_one_trace(&telemetry, "directives");
    assert!(server.events.is_empty());
    let child = &telemetry.spans()["instrumented"];
    assert_eq!(child.events.len(), 1, "by the directive for what is in it");
}
