//! Why no span continues a tap, in words.

use std::fmt::Write as _;
use std::sync::Arc;

use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::trace::SpanData;

use super::tree;
use crate::PhoneRequest;

/// Whether this span continues the tap: a SERVER span of its trace whose parent
/// is the phone's span.
pub(crate) fn continues(span: &SpanData, tap: &PhoneRequest) -> bool {
    span.span_kind == SpanKind::Server && same_trace(span, tap) && parent_is(span, tap)
}

pub(crate) fn same_trace(span: &SpanData, tap: &PhoneRequest) -> bool {
    span.span_context.trace_id().to_string() == tap.trace_id()
}

fn parent_is(span: &SpanData, tap: &PhoneRequest) -> bool {
    span.parent_span_id.to_string() == tap.parent_span_id()
}

/// The whole message: what was sent, what is wrong, what arrived.
pub(crate) fn message(spans: &[Arc<SpanData>], tap: &PhoneRequest) -> String {
    let mut text = format!(
        "no SERVER span continues {} {:?} (trace id {}, parent span id {}):\n",
        tap.method(),
        tap.url(),
        tap.trace_id(),
        tap.parent_span_id()
    );
    text.push_str(&reason(spans, tap));
    if !tap.sampled() {
        text.push_str(
            "\nThe tap is not sampled: a sampler that follows its parent records nothing of it. \
             Collector::with_unsampled() shows such spans.",
        );
    }
    for (name, value) in tap.headers() {
        let _ = write!(text, "\n  sent {name}: {}", value.escape_debug());
    }
    let _ = write!(text, "\n{}", tree::render(spans));
    text
}

fn reason(spans: &[Arc<SpanData>], tap: &PhoneRequest) -> String {
    let of_trace = || spans.iter().filter(|span| same_trace(span, tap));
    if spans.is_empty() {
        nothing_arrived()
    } else if let Some(server) = of_trace().find(|span| span.span_kind == SpanKind::Server) {
        other_parent(server)
    } else if let Some(span) = of_trace().next() {
        format!(
            "spans of this trace arrived, but none of them is a SERVER span: {}. Has it ended?",
            tree::line(span)
        )
    } else if let Some(span) = spans.iter().find(|span| links_to(span, tap)) {
        format!(
            "a new trace was started that only links to the tap: {}. Does the trust policy let \
             this client be a parent?",
            tree::line(span)
        )
    } else if let Some(span) = spans.iter().find(|span| parent_is(span, tap)) {
        format!(
            "the parent span id matches, but the trace id is {}: {}",
            span.span_context.trace_id(),
            tree::line(span)
        )
    } else {
        "no span has this trace id; the headers did not reach the service, or it refused them \
         and started a new trace"
            .into()
    }
}

fn nothing_arrived() -> String {
    "no span arrived at all. Does the service use this collector's tracer provider? Did the \
     request pass the layer? A SERVER span ends with the response body: read it to its end, or \
     call Collector::wait_for(1)."
        .into()
}

fn other_parent(span: &SpanData) -> String {
    if span.parent_span_id == SpanId::INVALID {
        return format!(
            "trace id matches, but its SERVER span has no parent: {}",
            tree::line(span)
        );
    }
    format!(
        "trace id matches, but its parent is {}: {}",
        span.parent_span_id,
        tree::line(span)
    )
}

fn links_to(span: &SpanData, tap: &PhoneRequest) -> bool {
    span.links.iter().any(|link| {
        link.span_context.trace_id().to_string() == tap.trace_id()
            && link.span_context.span_id().to_string() == tap.parent_span_id()
    })
}
