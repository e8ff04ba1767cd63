//! The SERVER span as a `tracing` span, so that log lines carry its ids.

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, TraceContextExt};
use tracing::field::{Empty, display};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{RumContext, semconv};

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
        target: "rum_trace",
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

/// Writes the SERVER span's ids to the fields that log lines show.
pub(crate) fn record_ids(span: &tracing::Span, cx: &Context) {
    let otel = cx.span();
    let otel = otel.span_context();
    if otel.is_valid() {
        span.record("trace_id", display(otel.trace_id()));
        span.record("span_id", display(otel.span_id()));
    }
}
