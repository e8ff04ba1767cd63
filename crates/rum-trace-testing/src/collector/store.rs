//! Where the spans are kept, and how they get there.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    Sampler, SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanExporter,
    SpanProcessor,
};

/// The spans of one collector, in the order in which they ended.
#[derive(Default)]
pub(crate) struct Store {
    spans: Mutex<Vec<Arc<SpanData>>>,
    arrived: Condvar,
}

impl Store {
    /// A snapshot: nobody outside holds the lock.
    pub(crate) fn spans(&self) -> Vec<Arc<SpanData>> {
        self.lock().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<SpanData>>> {
        // A test that panics in an assertion must not take the others along.
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, batch: impl IntoIterator<Item = SpanData>) {
        self.lock().extend(batch.into_iter().map(Arc::new));
        self.arrived.notify_all();
    }

    /// Blocks until there are `count` spans; `false` if the deadline came first.
    pub(crate) fn wait(&self, count: usize, deadline: Instant) -> bool {
        let mut spans = self.lock();
        while spans.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (spans, _) = self
                .arrived
                .wait_timeout(spans, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("spans", &self.len())
            .finish_non_exhaustive()
    }
}

/// A span exporter that puts what it gets into its [`Collector`](crate::Collector).
///
/// Made by [`Collector::exporter`](crate::Collector::exporter), for a tracer
/// provider that is built elsewhere.
#[derive(Clone, Debug)]
pub struct CollectorExporter(pub(crate) Arc<Store>);

impl SpanExporter for CollectorExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.add(batch);
        Ok(())
    }
}

/// Takes each recorded span as it ends, unsampled ones too: the SDK's own
/// simple processor drops those.
#[derive(Debug)]
pub(crate) struct Recorder(pub(crate) Arc<Store>);

impl SpanProcessor for Recorder {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.add([span]);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Follows the parent, and records what it would drop.
#[derive(Clone, Debug)]
pub(crate) struct RecordUnsampled;

impl ShouldSample for RecordUnsampled {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result =
            follow_parent().should_sample(parent, trace_id, name, kind, attributes, links);
        if result.decision == SamplingDecision::Drop {
            result.decision = SamplingDecision::RecordOnly;
        }
        result
    }
}

/// The library's default sampler.
pub(crate) fn follow_parent() -> Sampler {
    Sampler::ParentBased(Box::new(Sampler::AlwaysOn))
}
