//! Where SERVER spans are started: what was given, what is installed, or the global
//! tracer provider.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry::trace::{TraceContextExt as _, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, SpanId, global};

use super::{NewSpan, SpanStarter};
use crate::diagnosis::Topic;
use crate::semconv;
use crate::stats::Counters;

/// Makes this what starts the spans of every instrumenter that was given
/// nothing else and has not seen its first request; the last one counts. It goes
/// before OpenTelemetry's global tracer provider.
pub fn install(starter: impl SpanStarter + 'static) -> Installed {
    let starter: Arc<dyn SpanStarter> = Arc::new(starter);
    *installed() = Some(Arc::clone(&starter));
    Installed(starter)
}

/// What was installed, to take it away again.
pub struct Installed(Arc<dyn SpanStarter>);

impl Installed {
    /// Takes it away, if no other was installed since. Instrumenters that have
    /// it keep it.
    pub fn remove(self) {
        let mut installed = installed();
        if installed
            .as_ref()
            .is_some_and(|it| Arc::ptr_eq(it, &self.0))
        {
            *installed = None;
        }
    }
}

impl fmt::Debug for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Installed")
    }
}

fn installed() -> std::sync::MutexGuard<'static, Option<Arc<dyn SpanStarter>>> {
    static INSTALLED: Mutex<Option<Arc<dyn SpanStarter>>> = Mutex::new(None);
    // Only an assignment runs under the lock.
    INSTALLED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where SERVER spans are started.
pub(crate) enum SpanSource {
    /// Given at build time.
    Given(Arc<dyn SpanStarter>),
    /// What is installed, asked at the first request and not at build time,
    /// since many services build their router before they set the provider.
    Global(OnceLock<Arc<dyn SpanStarter>>),
}

impl SpanSource {
    pub(crate) fn of<P>(provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        SpanSource::Given(Arc::new(provider.tracer_with_scope(scope())))
    }

    pub(crate) fn start(&self, span: NewSpan<'_>, counters: &Counters) -> Context {
        match self {
            SpanSource::Given(starter) => starter.start_span(span),
            SpanSource::Global(starter) => match starter.get() {
                Some(starter) => starter.start_span(span),
                None => start_first(starter, span, counters),
            },
        }
    }

    /// Asking for it does not settle where spans are started.
    pub(crate) fn service(&self) -> Option<(&str, &str)> {
        self.settled()?.service()
    }

    pub(crate) fn asks_of_skipped(&self) -> bool {
        self.settled().is_none_or(SpanStarter::asks_of_skipped)
    }

    fn settled(&self) -> Option<&dyn SpanStarter> {
        match self {
            SpanSource::Given(starter) => Some(&**starter),
            SpanSource::Global(starter) => starter.get().map(|starter| &**starter),
        }
    }
}

/// Settles where spans are started, and looks whether that makes any.
#[cold]
#[inline(never)]
fn start_first(
    starter: &OnceLock<Arc<dyn SpanStarter>>,
    span: NewSpan<'_>,
    counters: &Counters,
) -> Context {
    let installed = installed().clone();
    // A pipeline that makes no spans was told not to.
    let is_global = installed.is_none();
    let global = || -> Arc<dyn SpanStarter> { Arc::new(global::tracer_with_scope(scope())) };
    let starter = starter.get_or_init(|| installed.unwrap_or_else(global));
    let parent = span.parent().span().span_context().span_id();
    let cx = starter.start_span(span);
    let made = cx.span().span_context().span_id();
    // OpenTelemetry's own tracer without a provider hands the parent's ids back.
    if is_global && (made == SpanId::INVALID || made == parent) {
        counters.say(Topic::NoTracerProvider);
    }
    cx
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

/// Who makes the SERVER spans and the metrics.
#[must_use]
pub fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("rum-trace")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(semconv::SCHEMA_URL)
        .build()
}
