//! The collector tells right from wrong, and says what is wrong in words.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use rum_trace_testing::{Collector, Phone, PhoneRequest};

/// What a service reads from the tap's headers.
fn remote(trace_id: &str, span_id: &str, sampled: bool) -> SpanContext {
    SpanContext::new(
        TraceId::from_hex(trace_id).unwrap(),
        SpanId::from_hex(span_id).unwrap(),
        TraceFlags::default().with_sampled(sampled),
        true,
        TraceState::NONE,
    )
}

fn parent(tap: &PhoneRequest) -> Context {
    let context = remote(tap.trace_id(), tap.parent_span_id(), tap.sampled());
    Context::new().with_remote_span_context(context)
}

/// A service's span of this kind, ended at once.
fn serve(tracer: &SdkTracer, name: &'static str, kind: SpanKind, parent: &Context) {
    let builder = tracer.span_builder(name).with_kind(kind);
    drop(builder.start_with_context(tracer, parent));
}

struct Bench {
    collector: Collector,
    tracer: SdkTracer,
    tap: PhoneRequest,
}

fn bench() -> Bench {
    let collector = Collector::new();
    let tracer = collector.tracer_provider().tracer("test");
    let tap = Phone::browser().tap("GET", "/cart");
    Bench {
        collector,
        tracer,
        tap,
    }
}

/// The message with which this panics.
fn message(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("the assertion must fail");
    panic
        .downcast_ref::<String>()
        .expect("a formatted message")
        .clone()
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in:\n{message}");
    }
}

#[test]
fn a_server_span_under_the_phones_span_continues_it() {
    let Bench {
        collector,
        tracer,
        tap,
    } = bench();
    serve(&tracer, "another", SpanKind::Server, &Context::new());
    serve(&tracer, "GET /cart", SpanKind::Server, &parent(&tap));
    let view = collector.assert_continues(&tap);
    view.assert_name("GET /cart").assert_kind(SpanKind::Server);
    assert_eq!(view.trace_id(), tap.trace_id());
    assert_eq!(view.parent_span_id().as_deref(), Some(tap.parent_span_id()));
    assert!(view.sampled() && view.data().parent_span_is_remote);
}

#[test]
fn nothing_arrived() {
    let Bench { collector, tap, .. } = bench();
    let said = message(|| drop(collector.assert_continues(&tap)));
    let ids = [tap.trace_id(), tap.parent_span_id()];
    assert_says(&said, &ids);
    assert_says(
        &said,
        &[
            "no span arrived at all",
            "sent traceparent: 00-",
            "no span was collected",
        ],
    );
}

#[test]
fn another_parent() {
    let Bench {
        collector,
        tracer,
        tap,
    } = bench();
    let other = remote(tap.trace_id(), "00f067aa0ba902b7", true);
    let other = Context::new().with_remote_span_context(other);
    serve(&tracer, "GET /cart", SpanKind::Server, &other);
    let said = message(|| drop(collector.assert_continues(&tap)));
    assert_says(
        &said,
        &["trace id matches, but its parent is 00f067aa0ba902b7"],
    );
}

#[test]
fn a_new_trace() {
    let Bench {
        collector,
        tracer,
        tap,
    } = bench();
    serve(&tracer, "GET /cart", SpanKind::Server, &Context::new());
    let said = message(|| drop(collector.assert_continues(&tap)));
    assert_says(
        &said,
        &["no span has this trace id; the headers did not reach the service"],
    );
    assert_says(&said, &["└─ SERVER \"GET /cart\"", "a root"]);
    collector.assert_new_trace().assert_name("GET /cart");
    collector.assert_not_continued(&tap);
}

#[test]
fn only_a_link() {
    let Bench {
        collector,
        tracer,
        tap,
    } = bench();
    let link = remote(tap.trace_id(), tap.parent_span_id(), true);
    let builder = tracer
        .span_builder("GET /cart")
        .with_kind(SpanKind::Server)
        .with_links(vec![Link::with_context(link)]);
    drop(builder.start_with_context(&tracer, &Context::new()));
    let said = message(|| drop(collector.assert_continues(&tap)));
    assert_says(&said, &["only links to the tap"]);
}

#[test]
fn the_wrong_kind() {
    let Bench {
        collector,
        tracer,
        tap,
    } = bench();
    serve(&tracer, "GET /cart", SpanKind::Internal, &parent(&tap));
    let said = message(|| drop(collector.assert_continues(&tap)));
    assert_says(
        &said,
        &["none of them is a SERVER span", "INTERNAL \"GET /cart\""],
    );
}

#[test]
fn the_right_parent_in_the_wrong_trace() {
    let Bench {
        collector,
        tracer,
        tap,
    } = bench();
    let other = remote(
        "4bf92f3577b34da6a3ce929d0e0e4736",
        tap.parent_span_id(),
        true,
    );
    let other = Context::new().with_remote_span_context(other);
    serve(&tracer, "GET /cart", SpanKind::Server, &other);
    let said = message(|| drop(collector.assert_continues(&tap)));
    assert_says(
        &said,
        &["the parent span id matches, but the trace id is 4bf92f3577"],
    );
}

#[test]
fn an_unsampled_tap_leaves_a_span_only_if_asked_to() {
    let tap = Phone::browser().sampled(false).request("/");
    let collector = Collector::new();
    let tracer = collector.tracer_provider().tracer("test");
    serve(&tracer, "GET", SpanKind::Server, &parent(&tap));
    let said = message(|| drop(collector.assert_continues(&tap)));
    assert_says(&said, &["The tap is not sampled", "with_unsampled()"]);

    let collector = Collector::new().with_unsampled();
    let tracer = collector.tracer_provider().tracer("test");
    serve(&tracer, "GET", SpanKind::Server, &parent(&tap));
    let view = collector.assert_continues(&tap);
    assert!(!view.sampled(), "the span must stay unsampled");
    assert_says(&collector.tree(), &["not sampled"]);

    let sampled = Phone::browser().request("/");
    serve(&tracer, "GET", SpanKind::Server, &parent(&sampled));
    assert!(collector.assert_continues(&sampled).sampled());
}

#[test]
fn assert_new_trace_refuses_a_parent_and_a_crowd() {
    let Bench {
        collector,
        tracer,
        tap,
    } = bench();
    let none = message(|| drop(collector.assert_new_trace()));
    assert_says(&none, &["found 0"]);
    serve(&tracer, "GET /cart", SpanKind::Server, &parent(&tap));
    let continued = message(|| drop(collector.assert_new_trace()));
    assert_says(&continued, &["the SERVER span has a parent"]);
    let continued = message(|| collector.assert_not_continued(&tap));
    assert_says(&continued, &[tap.trace_id(), "was continued by SERVER"]);
    serve(&tracer, "GET /cart", SpanKind::Server, &Context::new());
    let two = message(|| drop(collector.assert_new_trace()));
    assert_says(&two, &["found 2", "reset()"]);
    collector.reset();
    assert!(collector.spans().is_empty());
    collector.assert_not_continued(&tap);
}

#[test]
fn attributes_are_compared_with_their_types() {
    let Bench {
        collector, tracer, ..
    } = bench();
    let mut span = tracer.start("span");
    span.set_attribute(KeyValue::new("status", 200));
    span.set_attribute(KeyValue::new("user.id", "u\u{1b}[31m"));
    span.end();
    let view = collector.span("span");
    view.assert_attribute("status", 200)
        .assert_no_attribute("error.type");
    let said = message(|| drop(view.assert_attribute("status", "200").clone()));
    assert_says(&said, &["has status = 200, not \"200\"", "user.id = "]);
    assert!(
        !said.contains('\u{1b}'),
        "escape sequences must not reach a terminal"
    );
    let said = message(|| drop(view.assert_attribute("nothing", 1).clone()));
    assert_says(&said, &["has no attribute nothing; expected 1"]);
    let said = message(|| drop(view.assert_no_attribute("status").clone()));
    assert_says(&said, &["has status = 200, which must not be there"]);
    let said = message(|| drop(view.assert_name("other").clone()));
    assert_says(&said, &["\"span\"", "is not named \"other\""]);
    let said = message(|| drop(view.assert_kind(SpanKind::Server).clone()));
    assert_says(&said, &["is not of kind Server"]);
    let said = message(|| drop(collector.span("other")));
    assert_says(&said, &["no span is named \"other\"", "INTERNAL \"span\""]);
}

#[test]
fn assert_rum_wants_all_that_is_told_and_nothing_else() {
    let Bench {
        collector, tracer, ..
    } = bench();
    let tap = Phone::android().app_version("3.1").request("/");
    let span = |name: &'static str, more: Option<KeyValue>| {
        let mut span = tracer.start(name);
        for (key, value) in [
            ("rum.app.channel", "APK"),
            ("rum.app.type", "android"),
            ("rum.app.version", "3.1"),
            ("rum.sdk.version", "2.3.2"),
        ] {
            span.set_attribute(KeyValue::new(key, value));
        }
        span.set_attributes(more);
        span.end();
        collector.span(name)
    };
    span("right", None).assert_rum(&tap);
    let untold = span("untold", Some(KeyValue::new("session.id", "s")));
    let said = message(|| drop(untold.assert_rum(&tap).clone()));
    assert_says(&said, &["session.id", "must not be there"]);
    let wrong = span("wrong", Some(KeyValue::new("rum.sdk.version", "9")));
    let said = message(|| drop(wrong.assert_rum(&tap).clone()));
    assert_says(&said, &["has rum.sdk.version = \"9\", not \"2.3.2\""]);
}

#[test]
fn children_hang_under_their_parent() {
    let Bench {
        collector,
        tracer,
        tap,
    } = bench();
    let builder = tracer.span_builder("GET /cart").with_kind(SpanKind::Server);
    let server = builder.start_with_context(&tracer, &parent(&tap));
    let context = Context::new().with_span(server);
    for name in ["load", "render"] {
        drop(
            tracer
                .span_builder(name)
                .start_with_context(&tracer, &context),
        );
    }
    context.span().end();
    let view = collector.assert_continues(&tap);
    let names: Vec<String> = view
        .children()
        .iter()
        .map(|c| c.name().to_owned())
        .collect();
    assert_eq!(names, ["load", "render"]);
    assert!(view.child("load").children().is_empty());
    assert_eq!(collector.server_spans().len(), 1);
    let said = message(|| drop(view.child("store")));
    assert_says(
        &said,
        &["has no child \"store\"", "   ├─ INTERNAL \"load\""],
    );
}

#[test]
fn its_exporter_serves_another_provider() {
    let collector = Collector::new();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(collector.exporter()).build())
        .build();
    drop(provider.tracer("test").start("span"));
    provider.shutdown().unwrap();
    // Shut down, it keeps what it has.
    assert_eq!(collector.wait_for(1).len(), 1);
}

#[test]
fn wait_for_waits_for_a_late_span() {
    let Bench {
        collector, tracer, ..
    } = bench();
    let span = tracer.start("late");
    let body = thread::spawn(move || drop(span));
    assert_eq!(collector.wait_for(1).len(), 1);
    body.join().unwrap();
}

#[test]
fn wait_for_ends_at_its_deadline() {
    let collector = Collector::new().with_deadline(Duration::from_millis(1));
    let tracer = collector.tracer_provider().tracer("test");
    drop(tracer.start("one"));
    assert_eq!(collector.wait_for(1).len(), 1);
    let said = message(|| drop(collector.wait_for(2)));
    assert_says(&said, &["for 2 spans; 1 arrived", "INTERNAL \"one\""]);
    let said = message(|| drop(block_on(collector.wait_for_async(2))));
    assert_says(&said, &["for 2 spans; 1 arrived"]);
}

#[test]
fn an_async_test_can_wait_on_the_thread_that_serves() {
    let Bench {
        collector, tracer, ..
    } = bench();
    let mut late = Some(tracer.start("late"));
    let mut wait = pin!(collector.wait_for_async(1));
    let found = block_on(std::future::poll_fn(|cx| {
        let polled = wait.as_mut().poll(cx);
        // The service's turn on the same thread.
        drop(late.take());
        polled
    }));
    assert_eq!(found.len(), 1);
    assert_eq!(block_on(collector.wait_for_async(1)).len(), 1);
}

/// The smallest executor: no runtime is needed.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
