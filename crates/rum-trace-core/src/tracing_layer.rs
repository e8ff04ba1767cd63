//! The layer that goes beside `tracing-opentelemetry`'s, so that a request's
//! `tracing` span costs no second OpenTelemetry span.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, ContextGuard, SpanId};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, dispatcher};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context as LayerContext, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::tracing_span::TARGET;

thread_local! {
    /// The context of the request whose `tracing` span is being opened.
    static OPENED: Cell<Option<Context>> = const { Cell::new(None) };
    /// Whether the span that is being entered has its context current already.
    static IN_CONTEXT: Cell<bool> = const { Cell::new(false) };
    /// What entering spans made current, the latest last; nothing where it was
    /// current already.
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// `tracing-opentelemetry`'s layer for a service that opens its SERVER spans as
/// `tracing` spans
/// ([`tracing_spans`](crate::InstrumenterBuilder::tracing_spans)), at about half
/// the cost of giving the layer to the subscriber as it is. What is to be kept
/// from the layer goes to `filter`; the layer itself comes without one.
///
/// ```
/// use opentelemetry::trace::TracerProvider as _;
/// use tracing_subscriber::filter::filter_fn;
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
/// let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
/// let only_spans = filter_fn(|metadata| !metadata.is_event());
/// let subscriber = tracing_subscriber::registry()
///     .with(tracing_subscriber::fmt::layer().json())
///     .with(rum_trace_core::tracing_layer(otel, only_spans));
/// # drop(subscriber);
/// ```
///
/// The layer sees all spans but the requests' own: those are SERVER spans
/// already, started as they are without `tracing`. Spans and log lines inside of
/// one belong to it, also in a task that is spawned `in_current_span`. But to
/// `tracing-opentelemetry` the request's `tracing` span is no span: what is set
/// through `OpenTelemetrySpanExt` on it is lost, a span with it for an explicit
/// `parent:` begins a new trace, and log lines are no events of it. The SERVER
/// span is in OpenTelemetry's own `Context::current()`.
///
/// Give it to the subscriber as it is: under a `reload` layer it cannot be seen, and
/// the SERVER span is started through `tracing-opentelemetry` as without it.
pub fn tracing_layer<S, L, F>(otel: L, filter: F) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    L: Layer<S>,
    F: Filter<S> + 'static,
{
    let requests = RequestSpans::new().with_filter(OnlyRequests);
    requests.and_then(otel.with_filter(AllButRequests(filter)))
}

/// Whether the subscriber in use has this layer.
pub(crate) fn is_in_use() -> bool {
    dispatcher::get_default(|subscriber| subscriber.downcast_ref::<RequestSpans>().is_some())
}

/// Opens a span for which the layer is to make the context current whenever the
/// span is entered.
pub(crate) fn holding(cx: &Context, open: impl FnOnce() -> tracing::Span) -> tracing::Span {
    // An error if the thread is ending: then nothing is held.
    let _ = OPENED.try_with(|opened| opened.set(Some(cx.clone())));
    let span = open();
    // Still there if a filter hides the span.
    drop(opened());
    span
}

fn opened() -> Option<Context> {
    OPENED.try_with(Cell::take).ok().flatten()
}

/// Enters the span of a request whose context is current, which saves the layer
/// from looking for it: this is done for each poll.
pub(crate) fn enter(span: &tracing::Span) -> tracing::span::Entered<'_> {
    IN_CONTEXT.set(true);
    let entered = span.enter();
    // Still so where there is no such layer.
    IN_CONTEXT.set(false);
    entered
}

/// Has a request's context current while its `tracing` span is entered.
#[derive(Debug)]
struct RequestSpans {
    /// Two subscribers have spans of the same id.
    number: u64,
}

/// An entered span: whose layer, which one, and what it made current.
struct Entered {
    layer: u64,
    id: Id,
    guard: Option<ContextGuard>,
}

impl RequestSpans {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        RequestSpans {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// The context that goes with a span.
struct Held(Context);

impl<S> Layer<S> for RequestSpans
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, spans: LayerContext<'_, S>) {
        if let (Some(cx), Some(span)) = (opened(), spans.span(id)) {
            span.extensions_mut().replace(Held(cx));
        }
    }

    fn on_enter(&self, id: &Id, spans: LayerContext<'_, S>) {
        let cx = if IN_CONTEXT.take() {
            None
        } else {
            to_attach(id, &spans)
        };
        let guard = cx.map(Context::attach);
        // An error if the thread is ending: the guard leaves the context at once.
        let entered = Entered {
            layer: self.number,
            id: id.clone(),
            guard,
        };
        let _ = ENTERED.try_with(|all| all.borrow_mut().push(entered));
    }

    fn on_exit(&self, id: &Id, _: LayerContext<'_, S>) {
        let guard = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let is_this = |it: &Entered| it.layer == self.number && it.id == *id;
            let at = entered.iter().rposition(is_this)?;
            entered.remove(at).guard
        });
        // Not under the borrow: it can drop what is the user's.
        drop(guard);
    }
}

fn to_attach<S>(id: &Id, spans: &LayerContext<'_, S>) -> Option<Context>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let span = spans.span(id)?;
    let extensions = span.extensions();
    let Held(cx) = extensions.get()?;
    (!is_current(cx)).then(|| cx.clone())
}

/// By the active span: what a handler put around it is not to be taken away.
fn is_current(cx: &Context) -> bool {
    let span_id = |cx: &Context| cx.span().span_context().span_id();
    let id = span_id(cx);
    id != SpanId::INVALID && Context::map_current(span_id) == id
}

/// The filter of the layer above.
#[derive(Debug)]
struct OnlyRequests;

impl<S> Filter<S> for OnlyRequests {
    fn enabled(&self, metadata: &Metadata<'_>, _: &LayerContext<'_, S>) -> bool {
        is_request(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_request(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // None would have all levels of everybody enabled.
        Some(LevelFilter::INFO)
    }
}

/// The filter of `tracing-opentelemetry`'s layer. One filter and not two nested:
/// of those only the outer one's level counts.
#[derive(Debug)]
struct AllButRequests<F>(F);

impl<S, F: Filter<S>> Filter<S> for AllButRequests<F> {
    fn enabled(&self, metadata: &Metadata<'_>, spans: &LayerContext<'_, S>) -> bool {
        !is_request(metadata) && self.0.enabled(metadata, spans)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_request(metadata) {
            return Interest::never();
        }
        self.0.callsite_enabled(metadata)
    }

    fn event_enabled(&self, event: &Event<'_>, spans: &LayerContext<'_, S>) -> bool {
        self.0.event_enabled(event, spans)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, spans: LayerContext<'_, S>) {
        self.0.on_new_span(attributes, id, spans);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, spans: LayerContext<'_, S>) {
        self.0.on_record(id, values, spans);
    }

    fn on_enter(&self, id: &Id, spans: LayerContext<'_, S>) {
        self.0.on_enter(id, spans);
    }

    fn on_exit(&self, id: &Id, spans: LayerContext<'_, S>) {
        self.0.on_exit(id, spans);
    }

    fn on_close(&self, id: Id, spans: LayerContext<'_, S>) {
        self.0.on_close(id, spans);
    }
}

fn is_request(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == TARGET
}
