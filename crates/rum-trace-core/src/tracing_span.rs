//! The SERVER span as a `tracing` span, so that log lines carry its ids.

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, TraceContextExt};
use rum_trace_propagation::{SpanId, TraceId};
use tracing::Value;
use tracing::field::{DisplayValue, Empty, display};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{RumContext, semconv};

/// The target of the `tracing` spans.
pub(crate) const TARGET: &str = "rum_trace";

/// The `tracing` span of a SERVER span that was started without one.
pub(crate) fn beside(cx: &Context, rum: &RumContext) -> tracing::Span {
    let ids = Ids::of(cx);
    tracing::info_span!(
        target: TARGET,
        "request",
        trace_id = ids.as_ref().map(|ids| &ids.trace_id),
        span_id = ids.as_ref().map(|ids| &ids.span_id),
        session.id = rum.session_id(),
    )
}

/// Opens the `tracing` span. Its OpenTelemetry span has the builder's name,
/// attributes and links, is started with `parent`, and is in the context that
/// comes back; without one `tracing-opentelemetry` did not see the span,
/// because a filter hides it or there is no such layer.
pub(crate) fn open(
    builder: &SpanBuilder,
    parent: &Context,
    rum: &RumContext,
) -> (tracing::Span, Option<Context>) {
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = builder.name.as_ref(),
        otel.kind = "server",
        trace_id = Empty,
        span_id = Empty,
        session.id = rum.session_id(),
    );
    if span.is_disabled() || span.set_parent(parent.clone()).is_err() {
        return (span, None);
    }
    let cx = start(&span, builder);
    (span, cx)
}

/// Hands the builder's parts over and starts the span. A filter of the layer's
/// own lets `set_parent` succeed and drops the rest, so that only the started
/// span tells whether there is one.
fn start(span: &tracing::Span, builder: &SpanBuilder) -> Option<Context> {
    for attribute in builder.attributes.iter().flatten() {
        // It is a field of the `tracing` span, which is an attribute already.
        if attribute.key.as_str() != semconv::SESSION_ID {
            span.set_attribute(attribute.key.clone(), attribute.value.clone());
        }
    }
    for link in builder.links.iter().flatten() {
        span.add_link_with_attributes(link.span_context.clone(), link.attributes.clone());
    }
    let cx = span.context();
    cx.span().span_context().is_valid().then_some(cx)
}

/// Writes the SERVER span's ids to the fields that log lines show: at once,
/// since each time goes through all layers.
pub(crate) fn record_ids(span: &tracing::Span, cx: &Context) {
    let (Some(ids), Some(metadata)) = (Ids::of(cx), span.metadata()) else {
        return;
    };
    let fields = metadata.fields();
    if let (Some(trace_id), Some(span_id)) = (fields.field("trace_id"), fields.field("span_id")) {
        let values = [
            (&trace_id, Some(&ids.trace_id as &dyn Value)),
            (&span_id, Some(&ids.span_id as &dyn Value)),
        ];
        span.record_all(&fields.value_set(&values));
    }
}

/// The ids as log lines have them. OpenTelemetry's own print through the formatter
/// of numbers, which costs several times as much.
struct Ids {
    trace_id: DisplayValue<TraceId>,
    span_id: DisplayValue<SpanId>,
}

impl Ids {
    fn of(cx: &Context) -> Option<Self> {
        let span = cx.span();
        let span = span.span_context();
        Some(Ids {
            trace_id: display(TraceId::from_bytes(span.trace_id().to_bytes())?),
            span_id: display(SpanId::from_bytes(span.span_id().to_bytes())?),
        })
    }
}
