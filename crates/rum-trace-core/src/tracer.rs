//! The tracer behind an instrumenter, of whatever type it is.

use std::fmt;
use std::sync::OnceLock;

use opentelemetry::trace::{SpanBuilder, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, global};

use crate::semconv;

/// Starts a span and puts it into a context.
///
/// Object safe, so that core is not generic over the tracer; implemented for
/// the concrete tracer, so that its span is not boxed once more on the way, as
/// `global::BoxedTracer` would.
pub(crate) trait StartSpan: Send + Sync {
    fn start(&self, span: SpanBuilder, parent: &Context) -> Context;
}

impl<T> StartSpan for T
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start(&self, span: SpanBuilder, parent: &Context) -> Context {
        parent.with_span(self.build_with_context(span, parent))
    }
}

/// Where SERVER spans are started.
pub(crate) enum SpanSource {
    /// A provider given at build time.
    Given(Box<dyn StartSpan>),
    /// The global provider, asked at the first request and not at build time,
    /// since many services build their router before they set the provider.
    Global(OnceLock<Box<dyn StartSpan>>),
}

impl SpanSource {
    pub(crate) fn of<P>(provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        SpanSource::Given(Box::new(provider.tracer_with_scope(scope())))
    }

    pub(crate) fn start(&self, span: SpanBuilder, parent: &Context) -> Context {
        match self {
            SpanSource::Given(tracer) => tracer.start(span, parent),
            SpanSource::Global(tracer) => tracer
                .get_or_init(|| Box::new(global::tracer_with_scope(scope())))
                .start(span, parent),
        }
    }
}

impl Default for SpanSource {
    fn default() -> Self {
        SpanSource::Global(OnceLock::new())
    }
}

impl fmt::Debug for SpanSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SpanSource::Given(_) => "Given",
            SpanSource::Global(_) => "Global",
        })
    }
}

/// Who made the spans and the metrics.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("rum-trace")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(semconv::SCHEMA_URL)
        .build()
}
