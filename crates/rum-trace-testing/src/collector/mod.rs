//! The in-memory collector.

mod diagnose;
mod store;
mod tree;
mod view;
mod wait;

use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, TracerProviderBuilder};

use crate::PhoneRequest;
pub use store::CollectorExporter;
use store::{RecordUnsampled, Recorder, Store, follow_parent};
pub use view::SpanView;
pub use wait::WaitForSpans;

/// Keeps the spans of the service under test, and answers whether they continue
/// what a phone began.
///
/// Clones share their spans. Every assertion that fails says what is wrong and
/// prints a tree of what arrived.
///
/// ```
/// use opentelemetry::propagation::{Extractor, TextMapPropagator};
/// use opentelemetry::trace::{SpanKind, Tracer, TracerProvider};
/// use opentelemetry_sdk::propagation::TraceContextPropagator;
/// use rum_trace_testing::{Collector, Phone, PhoneRequest};
///
/// struct Headers<'a>(&'a PhoneRequest);
/// impl Extractor for Headers<'_> {
///     fn get(&self, name: &str) -> Option<&str> { self.0.header(name) }
///     fn keys(&self) -> Vec<&str> { self.0.headers().iter().map(|(name, _)| *name).collect() }
/// }
///
/// let collector = Collector::new();
/// let tracer = collector.tracer_provider().tracer("service under test");
/// let tap = Phone::android().tap("GET", "/orders/42");
///
/// // In place of a service:
/// let parent = TraceContextPropagator::new().extract(&Headers(&tap));
/// let span = tracer.span_builder("GET /orders/{id}").with_kind(SpanKind::Server);
/// drop(span.start_with_context(&tracer, &parent));
///
/// collector.assert_continues(&tap).assert_name("GET /orders/{id}");
/// ```
#[derive(Clone, Debug)]
pub struct Collector {
    store: Arc<Store>,
    deadline: Duration,
    unsampled: bool,
}

impl Default for Collector {
    fn default() -> Self {
        Self {
            store: Arc::default(),
            deadline: Duration::from_secs(10),
            unsampled: false,
        }
    }
}

impl Collector {
    /// An empty collector.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long [`wait_for`](Self::wait_for) waits; 10 seconds by default.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes [`tracer_provider`](Self::tracer_provider) record unsampled spans
    /// too, so that the continuation of an unsampled tap can be seen. They stay
    /// unsampled: what the service sends onward does not change.
    #[must_use]
    pub const fn with_unsampled(mut self) -> Self {
        self.unsampled = true;
        self
    }

    /// A tracer provider whose spans are here as soon as they end.
    ///
    /// It samples as the phone says (parent-based, new traces always), whatever
    /// the environment variables are.
    #[must_use]
    pub fn tracer_provider(&self) -> SdkTracerProvider {
        self.provider_builder().build()
    }

    /// [`tracer_provider`](Self::tracer_provider) before it is built, for a
    /// resource, a sampler or limits of one's own.
    #[must_use]
    pub fn provider_builder(&self) -> TracerProviderBuilder {
        let builder = SdkTracerProvider::builder();
        if self.unsampled {
            builder
                .with_sampler(RecordUnsampled)
                .with_span_processor(Recorder(Arc::clone(&self.store)))
        } else {
            builder
                .with_sampler(follow_parent())
                .with_simple_exporter(self.exporter())
        }
    }

    /// An exporter into this collector, to plug into a provider that is built
    /// elsewhere. Behind a batch processor spans arrive late: flush the
    /// provider, or use [`wait_for`](Self::wait_for).
    #[must_use]
    pub fn exporter(&self) -> CollectorExporter {
        CollectorExporter(Arc::clone(&self.store))
    }

    /// All spans, in the order in which they ended.
    #[must_use]
    pub fn spans(&self) -> Vec<SpanView> {
        let spans = self.store.spans();
        spans.into_iter().map(|span| self.view(span)).collect()
    }

    /// The SERVER spans, in the order in which they ended.
    #[must_use]
    pub fn server_spans(&self) -> Vec<SpanView> {
        let mut spans = self.spans();
        spans.retain(|view| view.span.span_kind == SpanKind::Server);
        spans
    }

    /// The first span of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    #[must_use]
    pub fn span(&self, name: &str) -> SpanView {
        let found = self.find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("no span is named {name:?}\n{}", self.tree()))
    }

    /// All that was collected, as a tree for each trace.
    #[must_use]
    pub fn tree(&self) -> String {
        tree::render(&self.store.spans())
    }

    /// Forgets all spans.
    pub fn reset(&self) {
        self.store.clear();
    }
}

/// Assertions, and waiting.
#[expect(
    clippy::must_use_candidate,
    reason = "an assertion has done its work when it returns"
)]
impl Collector {
    /// Asserts that the service continued the phone's trace: a SERVER span has
    /// the tap's trace id, and the phone's span is its parent. Gives that span
    /// (the first, if there are several).
    ///
    /// # Panics
    ///
    /// If there is none. The message says in words what is wrong: nothing
    /// arrived, another parent, a new trace, only a link, …
    #[track_caller]
    pub fn assert_continues(&self, tap: &PhoneRequest) -> SpanView {
        let found = self.find(|span| diagnose::continues(span, tap));
        found.unwrap_or_else(|| panic!("{}", diagnose::message(&self.store.spans(), tap)))
    }

    /// Asserts that nothing was collected of the tap's trace.
    ///
    /// # Panics
    ///
    /// If a span has its trace id.
    #[track_caller]
    pub fn assert_not_continued(&self, tap: &PhoneRequest) {
        if let Some(view) = self.find(|span| diagnose::same_trace(span, tap)) {
            panic!(
                "the tap's trace {} was continued by {}\n{}",
                tap.trace_id(),
                tree::line(&view.span),
                self.tree()
            );
        }
    }

    /// Asserts that the service started a new trace: there is exactly one SERVER
    /// span, and it has no parent. [`reset`](Self::reset) between requests.
    ///
    /// # Panics
    ///
    /// If there is none, more than one, or it has a parent.
    #[track_caller]
    pub fn assert_new_trace(&self) -> SpanView {
        let servers = self.server_spans();
        let [server] = servers.as_slice() else {
            panic!(
                "expected one SERVER span, found {} (reset() between requests)\n{}",
                servers.len(),
                self.tree()
            );
        };
        assert!(
            server.span.parent_span_id == SpanId::INVALID,
            "expected a new trace, but the SERVER span has a parent\n{}",
            self.tree()
        );
        server.clone()
    }

    /// Blocks until at least `count` spans are here, and gives them all. A SERVER
    /// span ends with the response body, which may be after the client has seen
    /// the response.
    ///
    /// It blocks the thread: on an async runtime of one thread, which the service
    /// shares, use [`wait_for_async`](Self::wait_for_async).
    ///
    /// # Panics
    ///
    /// If the deadline passes first, with a tree of what arrived.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<SpanView> {
        self.wait_until(count, Instant::now() + self.deadline)
    }

    /// [`wait_for`](Self::wait_for) for async tests, on any runtime.
    pub fn wait_for_async(&self, count: usize) -> WaitForSpans {
        WaitForSpans::new(self.clone(), count)
    }
}

impl Collector {
    #[track_caller]
    fn wait_until(&self, count: usize, deadline: Instant) -> Vec<SpanView> {
        assert!(
            self.store.wait(count, deadline),
            "waited {:?} for {count} spans; {} arrived\n{}",
            self.deadline,
            self.store.len(),
            self.tree()
        );
        self.spans()
    }

    fn find(&self, wanted: impl Fn(&SpanData) -> bool) -> Option<SpanView> {
        let mut spans = self.store.spans().into_iter();
        let found = spans.find(|span| wanted(span));
        found.map(|span| self.view(span))
    }

    fn view(&self, span: Arc<SpanData>) -> SpanView {
        SpanView {
            span,
            collector: self.clone(),
        }
    }
}
