//! A task that is handed the request's context logs in it.

use opentelemetry::trace::{FutureExt as _, Tracer};
use rum_trace_core::{ContextSnapshot, tracing_layer};
use tracing::subscriber::with_default;
use tracing::{Dispatch, dispatcher};

use super::*;

/// Where a piece of code is: in which OpenTelemetry span and which `tracing` span.
fn place() -> (SpanId, Option<tracing::span::Id>) {
    let cx = Context::current();
    let span_id = cx.span().span_context().span_id();
    (span_id, tracing::Span::current().id())
}

/// Serves a request whose handler leaves work behind, and does that work after
/// the response, on another thread.
fn serve_and_leave_work(telemetry: &Telemetry, mode: Mode) {
    let instrumenter = telemetry.instrumenter(mode);
    let mut active = instrumenter.start(&request());
    let (snapshot, handler) = {
        let _scope = active.scope();
        (ContextSnapshot::current(), place())
    };
    active.on_response(&200);
    active.finish();
    let work = snapshot.wrap_fn(move || {
        assert_eq!(place(), handler, "as it was in the handler");
        info!("in the task");
        instrumented();
        assert_eq!(place(), handler);
    });
    let dispatch = dispatcher::get_default(Dispatch::clone);
    std::thread::spawn(move || dispatcher::with_default(&dispatch, work))
        .join()
        .expect("no panic");
}

#[test]
fn lines_of_a_task_carry_the_ids_and_its_spans_are_children() {
    fn check<S: Subscriber + Send + Sync + 'static>(
        why: &str,
        mode: Mode,
        subscriber: impl FnOnce(&Telemetry) -> S,
    ) {
        let telemetry = Telemetry::new();
        with_default(subscriber(&telemetry), || {
            serve_and_leave_work(&telemetry, mode);
        });
        let server = assert_one_trace(&telemetry, why);
        let lines = telemetry.lines.text();
        let ids = format!("trace_id={TRACE} span_id={}", server.span_context.span_id());
        for message in ["in the task", "in a child"] {
            let line = lines.lines().find(|line| line.contains(message));
            let line = line.expect("the line");
            let has_ids = line.contains(&ids) && line.contains("session.id=\"4f04d2f5\"");
            assert_eq!(has_ids, mode == Mode::Tracing, "{why}: {line}");
        }
    }
    for mode in MODES {
        check("the layer as it is", mode, Telemetry::subscriber);
        check("no activation", mode, |telemetry| {
            let text = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(telemetry.lines.clone());
            let otel = telemetry.otel().with_context_activation(false);
            Registry::default().with(text).with(otel)
        });
        check("beside", mode, |telemetry| {
            let text = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(telemetry.lines.clone());
            let only_spans = filter_fn(|metadata| !metadata.is_event());
            let beside = tracing_layer(telemetry.otel(), only_spans);
            Registry::default().with(text).with(beside)
        });
    }
}

/// Entering a `tracing` span makes its own context current: what was put on top of
/// that must be on top again.
#[tokio::test]
async fn a_context_on_top_of_a_span_is_on_top_in_the_task() {
    let telemetry = Telemetry::new();
    let _default = tracing::subscriber::set_default(telemetry.subscriber());
    let active = telemetry.instrumenter(Mode::Tracing).start(&request());
    let snapshot = {
        let _scope = active.scope();
        let _entered = info_span!("application").entered();
        let own = telemetry.tracer().start("own");
        let _attached = Context::current_with_span(own).attach();
        (ContextSnapshot::current(), place())
    };
    let (snapshot, expected) = snapshot;
    let own = snapshot.context().span().span_context().span_id();
    assert_eq!(expected.0, own);
    let task = tokio::spawn(snapshot.wrap(async move {
        let before = place();
        tokio::task::yield_now().await;
        instrumented();
        (before, place())
    }));
    assert_eq!(task.await.expect("no panic"), (expected.clone(), expected));
    assert_eq!(place(), (SpanId::INVALID, None));
    active.finish();
    drop(snapshot);
    let spans = telemetry.spans();
    assert_eq!(spans["instrumented"].parent_span_id, own);
    let application = spans["application"].span_context.span_id();
    assert_eq!(spans["own"].parent_span_id, application);
}

/// With OpenTelemetry's own wrapper it is in the trace, and its lines have no ids.
#[tokio::test]
async fn this_is_what_opentelemetrys_wrapper_does_not_do() {
    let telemetry = Telemetry::new();
    let _default = tracing::subscriber::set_default(telemetry.subscriber());
    let active = telemetry.instrumenter(Mode::Tracing).start(&request());
    let work = async { place() };
    let (span_id, tracing_span) = work.with_context(active.context().clone()).await;
    assert_eq!(span_id, active.span_context().span_id());
    assert_eq!(tracing_span, None);
}
