//! The request's context in work that is done elsewhere.

mod support;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread;

use futures_util::{StreamExt, stream};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{FutureExt, SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, SpanId};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use rum_trace_core::{ActiveRequest, ContextSnapshot, InContext, Instrumenter, RumContext};
use support::{RUM, Request, TRACE, TRACEPARENT};

/// What work finds out about where it is.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    span: SpanId,
    session: Option<String>,
    tenant: Option<String>,
}

const NOTHING: Found = Found {
    span: SpanId::INVALID,
    session: None,
    tenant: None,
};

fn find() -> Found {
    let cx = Context::current();
    Found {
        span: cx.span().span_context().span_id(),
        session: RumContext::current().session_id().map(str::to_owned),
        tenant: cx.baggage().get("tenant").map(ToString::to_string),
    }
}

async fn find_later() -> Found {
    tokio::task::yield_now().await;
    find()
}

fn request() -> ActiveRequest {
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let request = request.header("tracestate", RUM);
    Instrumenter::builder()
        .tracer_provider(&SdkTracerProvider::default())
        .build()
        .expect("valid")
        .start(&request.header("baggage", "tenant=acme"))
}

fn in_request(active: &ActiveRequest) -> Found {
    Found {
        span: active.span_context().span_id(),
        session: Some("4f04d2f5".to_owned()),
        tenant: Some("acme".to_owned()),
    }
}

#[tokio::test]
async fn it_is_known_wherever_the_work_is_done() {
    let active = request();
    let expected = in_request(&active);
    let snapshot = {
        let _scope = active.scope();
        ContextSnapshot::current()
    };
    assert_eq!(find(), NOTHING, "the test is in no context itself");

    let task = tokio::spawn(snapshot.wrap(find_later()));
    let blocking = tokio::task::spawn_blocking(snapshot.wrap_fn(find));
    let on_thread = thread::spawn(snapshot.wrap_fn(find));
    let items: Vec<Found> = thread::scope(|scope| {
        let works = (0..3).map(|_| scope.spawn(|| snapshot.run(find)));
        let works: Vec<_> = works.collect();
        works
            .into_iter()
            .map(|it| it.join().expect("no panic"))
            .collect()
    });
    let stream = snapshot.wrap(stream::iter([(), ()]).map(|()| find()));
    assert_eq!(futures_util::Stream::size_hint(&stream), (2, Some(2)));

    assert_eq!(task.await.expect("no panic"), expected, "spawn");
    assert_eq!(
        blocking.await.expect("no panic"),
        expected,
        "spawn_blocking"
    );
    assert_eq!(on_thread.join().expect("no panic"), expected, "thread");
    assert_eq!(items, vec![expected.clone(); 3], "by reference");
    let streamed: Vec<Found> = stream.collect().await;
    assert_eq!(streamed, vec![expected; 2], "stream");
    assert_eq!(find(), NOTHING, "all of them left it again");
}

/// Polls once.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(Waker::noop()))
}

#[test]
fn it_is_not_current_between_two_polls() {
    let active = request();
    let snapshot = ContextSnapshot::of(active.context().clone());
    let mut polls = 0;
    let mut work = pin!(snapshot.wrap(poll_fn(move |_| {
        polls += 1;
        if polls < 3 {
            Poll::Pending
        } else {
            Poll::Ready(find())
        }
    })));
    for _ in 0..2 {
        assert!(poll(work.as_mut()).is_pending());
        assert_eq!(find(), NOTHING);
    }
    assert_eq!(poll(work.as_mut()), Poll::Ready(in_request(&active)));
    assert_eq!(find(), NOTHING);
}

/// Tells where it is dropped.
struct Dropped(Arc<Mutex<Vec<Found>>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.lock().expect("not poisoned").push(find());
    }
}

/// A task that is cancelled tells of itself in destructors. This is what
/// OpenTelemetry's own wrapper does not do.
#[test]
fn work_is_dropped_in_it() {
    let active = request();
    let expected = in_request(&active);
    let snapshot = ContextSnapshot::of(active.context().clone());
    let found = Arc::new(Mutex::new(Vec::new()));
    let work = |found: &Arc<Mutex<Vec<Found>>>| {
        let dropped = Dropped(Arc::clone(found));
        async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        }
    };
    let take = || std::mem::take(&mut *found.lock().expect("not poisoned"));

    let mut started = Box::pin(snapshot.wrap(work(&found)));
    assert!(poll(started.as_mut()).is_pending());
    drop(started);
    drop(snapshot.wrap(work(&found)));
    let closure = Dropped(Arc::clone(&found));
    drop(snapshot.wrap_fn(move || drop(closure)));
    let closure = Dropped(Arc::clone(&found));
    snapshot.wrap_fn(move || drop(closure))();
    assert_eq!(take(), vec![expected; 4]);

    drop(work(&found).with_context(active.context().clone()));
    assert_eq!(take(), [NOTHING], "OpenTelemetry's");
}

#[test]
fn it_is_left_by_a_panic() {
    let active = request();
    let snapshot = ContextSnapshot::of(active.context().clone());
    let work = snapshot.wrap_fn(|| panic!("expected"));
    assert!(
        thread::spawn(move || {
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            assert!(panicked.is_err());
            assert_eq!(find(), NOTHING);
        })
        .join()
        .is_ok()
    );
}

/// The thread's current context may be gone before what the thread holds.
#[test]
fn work_may_outlive_the_threads_context() {
    thread_local! {
        static HELD: RefCell<Option<InContext<Arc<()>>>> = const { RefCell::new(None) };
    }
    let active = request();
    let snapshot = ContextSnapshot::of(active.context().clone());
    let alive = Arc::new(());
    let work = snapshot.wrap(Arc::clone(&alive));
    thread::spawn(move || {
        HELD.set(Some(work)); // before there is a context, so that it is dropped after it
        assert_eq!(find(), NOTHING);
    })
    .join()
    .expect("no panic");
    assert_eq!(Arc::strong_count(&alive), 1);
}

struct Traced {
    provider: SdkTracerProvider,
    spans: InMemorySpanExporter,
}

impl Traced {
    fn new() -> Self {
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .build();
        Traced { provider, spans }
    }

    fn span(&self, name: &str) -> SpanData {
        let spans = self.spans.get_finished_spans().expect("spans");
        spans.into_iter().find(|it| it.name == name).expect(name)
    }
}

/// The response is long out when the mail is sent.
#[tokio::test]
async fn a_child_has_its_parent_after_that_has_ended() {
    let traced = Traced::new();
    let instrumenter = Instrumenter::builder()
        .tracer_provider(&traced.provider)
        .build()
        .expect("valid");
    let request = Request::get("/").header("traceparent", TRACEPARENT);
    let active = instrumenter.start(&request.header("tracestate", "a=1"));
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let tracer = traced.provider.tracer("mail");
    let work = async move {
        wait.await.expect("told to go");
        let cx = Context::current();
        let span = tracer.span_builder("send mail").with_kind(SpanKind::Client);
        drop(span.start_with_context(&tracer, &cx));
        // Ended is ended.
        cx.span().update_name("late");
        (cx.span().is_recording(), RumContext::current())
    };
    let task = {
        let _scope = active.scope();
        tokio::spawn(ContextSnapshot::current().wrap(work))
    };
    active.finish();
    let server = traced.span("GET");
    go.send(()).expect("the task waits");
    let (recording, rum) = task.await.expect("no panic");

    assert!(!recording && rum.is_empty());
    let mail = traced.span("send mail");
    assert_eq!(mail.span_context.trace_id().to_string(), TRACE);
    assert_eq!(mail.parent_span_id, server.span_context.span_id());
    assert_eq!(mail.span_context.trace_state().header(), "a=1");
}

/// What nobody holds any more is gone.
#[test]
fn nothing_is_kept_after_the_work() {
    struct Value(#[allow(dead_code)] Arc<()>);
    let alive = Arc::new(());
    let cx = Context::new().with_value(Value(Arc::clone(&alive)));
    let snapshot = ContextSnapshot::of(cx);
    snapshot.wrap_fn(|| ())();
    drop(snapshot.wrap(std::future::pending::<()>()));
    assert_eq!(Arc::strong_count(&alive), 2, "the snapshot has it");
    drop(snapshot);
    assert_eq!(Arc::strong_count(&alive), 1);
}
