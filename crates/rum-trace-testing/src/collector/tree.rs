//! What was collected, as text: each trace as a tree.

use std::fmt::Write as _;
use std::sync::Arc;

use opentelemetry::Value;
use opentelemetry::trace::{SpanId, Status, TraceId};
use opentelemetry_sdk::trace::SpanData;

/// Writes all spans, trace by trace in order of arrival. Names are escaped: they
/// may come from anywhere and the text goes to a terminal.
pub(crate) fn render(spans: &[Arc<SpanData>]) -> String {
    if spans.is_empty() {
        return "no span was collected".into();
    }
    let mut text = format!("collected spans ({}):", spans.len());
    for trace_id in trace_ids(spans) {
        let of_trace: Vec<&SpanData> = spans
            .iter()
            .map(AsRef::as_ref)
            .filter(|span| span.span_context.trace_id() == trace_id)
            .collect();
        let _ = write!(text, "\n  trace {trace_id}");
        branch(&mut text, &roots(&of_trace), &of_trace, "  ");
    }
    text
}

/// One span on one line.
pub(crate) fn line(span: &SpanData) -> String {
    let kind = format!("{:?}", span.span_kind).to_uppercase();
    let mut text = format!("{kind} {:?} {}", span.name, span.span_context.span_id());
    if span.parent_span_id == SpanId::INVALID {
        text.push_str(", a root");
    } else if span.parent_span_is_remote {
        let _ = write!(text, ", child of remote {}", span.parent_span_id);
    } else {
        let _ = write!(text, ", child of {}", span.parent_span_id);
    }
    if !span.span_context.is_sampled() {
        text.push_str(", not sampled");
    }
    if let Status::Error { description } = &span.status {
        let _ = write!(text, ", error {description:?}");
    }
    text
}

/// A span's attributes, one a line, in order of their keys.
pub(crate) fn attributes(span: &SpanData) -> String {
    if span.attributes.is_empty() {
        return "it has no attributes".into();
    }
    let mut lines: Vec<String> = span
        .attributes
        .iter()
        .map(|pair| format!("\n    {} = {}", pair.key, value(&pair.value)))
        .collect();
    lines.sort();
    format!("its attributes:{}", lines.concat())
}

/// A value by which its type can be told: text stands in quotes, and is escaped.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", text.as_str()),
        Value::F64(number) => format!("{number:?}"),
        Value::Bool(_) | Value::I64(_) => value.to_string(),
        other => format!("{other:?}"),
    }
}

fn trace_ids(spans: &[Arc<SpanData>]) -> Vec<TraceId> {
    let mut ids = Vec::new();
    for span in spans {
        let id = span.span_context.trace_id();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// The spans whose parent was not collected.
fn roots<'a>(spans: &[&'a SpanData]) -> Vec<&'a SpanData> {
    let known = |id| spans.iter().any(|span| span.span_context.span_id() == id);
    let mut roots: Vec<_> = spans.to_vec();
    roots.retain(|span| !known(span.parent_span_id));
    roots
}

fn branch(text: &mut String, siblings: &[&SpanData], spans: &[&SpanData], indent: &str) {
    let mut siblings = siblings.to_vec();
    siblings.sort_by_key(|span| span.start_time);
    for (at, span) in siblings.iter().enumerate() {
        let last = at + 1 == siblings.len();
        let (fork, below) = if last {
            ("└─", "   ")
        } else {
            ("├─", "│  ")
        };
        let _ = write!(text, "\n{indent}{fork} {}", line(span));
        let children: Vec<&SpanData> = spans
            .iter()
            .copied()
            .filter(|child| child.parent_span_id == span.span_context.span_id())
            // A span that names itself as its parent must not recurse for ever.
            .filter(|child| child.span_context.span_id() != span.span_context.span_id())
            .collect();
        branch(text, &children, spans, &format!("{indent}{below}"));
    }
}
