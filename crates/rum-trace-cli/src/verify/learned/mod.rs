//! What became of a request at the service, by whichever way it is learned.

pub(super) mod spans;
pub(super) mod view;

use std::collections::BTreeMap;

use http::HeaderMap;
use rum_trace_propagation::{SpanId, TraceId};

/// The SERVER span that a request of ours led to, as a collector knows it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) service: String,
    pub(crate) parent: Option<SpanId>,
    /// The collector has the parent, too: a gateway's.
    pub(crate) parent_is_known: bool,
    /// Its attributes, as far as they tell of app, session and user.
    pub(crate) rum: BTreeMap<&'static str, String>,
}

/// What a collector knows of a trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// The SERVER span that no other of the trace is above, or that is the phone's child.
    pub(crate) entry: Option<Entry>,
}

/// A span of a trace, as far as it matters here.
#[derive(Clone, Debug)]
struct Known {
    id: SpanId,
    parent: Option<SpanId>,
    is_server: bool,
}

/// Which of them is the one that the phone's request led to: its child, else the
/// service's own below a gateway's spans, as far in as no service of ours is above.
fn entry_of(spans: &[Known], phone: Option<SpanId>) -> Option<(usize, bool)> {
    let servers = || spans.iter().enumerate().filter(|(_, span)| span.is_server);
    let is_here = |id: SpanId| spans.iter().any(|span| span.id == id);
    let child = servers().find(|(_, span)| phone.is_some() && span.parent == phone);
    let found = child.or_else(|| {
        let is_top = |span: &Known| span.parent.is_none_or(|parent| !is_here(parent));
        servers().find(|(_, span)| is_top(span))
    });
    let (at, span) = found.or_else(|| servers().next())?;
    let is_known = span.parent.is_some_and(is_here);
    Some((at, is_known))
}

/// The trace of the SERVER span, where the service tells it in `Server-Timing`.
pub(crate) fn server_timing(headers: &HeaderMap) -> Option<(TraceId, SpanId)> {
    let lines = headers.get_all("server-timing").iter();
    let metrics = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
    metrics.map(str::trim).find_map(|metric| {
        let (name, description) = metric.split_once(";desc=")?;
        let is_ours = matches!(name.trim(), "traceparent" | "trace");
        let text = description.trim_matches('"');
        let parent = rum_trace_propagation::TraceParent::parse(text.as_bytes()).ok();
        let parent = parent.filter(|_| is_ours)?;
        Some((parent.trace_id(), parent.parent_id()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> SpanId {
        SpanId::from_bytes([byte; 8]).unwrap()
    }

    fn known(span: u8, parent: u8, is_server: bool) -> Known {
        Known {
            id: id(span),
            parent: (parent > 0).then(|| id(parent)),
            is_server,
        }
    }

    #[test]
    fn the_entry_is_the_phones_child_or_the_top_one() {
        let phone = Some(id(1));
        let table: [(&[Known], Option<(usize, bool)>); 5] = [
            (&[], None),
            // The next service is there first.
            (
                &[known(5, 4, true), known(4, 3, false), known(3, 1, true)],
                Some((2, false)),
            ),
            // Below a span that nobody sent.
            (&[known(4, 3, false), known(3, 9, true)], Some((1, false))),
            // A gateway with a CLIENT span alone.
            (&[known(2, 1, false), known(3, 2, true)], Some((1, true))),
            // A root of its own.
            (&[known(3, 0, true)], Some((0, false))),
        ];
        for (spans, entry) in table {
            assert_eq!(entry_of(spans, phone), entry, "{spans:?}");
        }
    }

    #[test]
    fn server_timing_in_both_forms() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (value, found) in [
            (format!("traceparent;desc=\"{trace}\""), true),
            (format!("db;dur=5, trace;desc={trace}"), true),
            (format!("other;desc=\"{trace}\""), false),
            ("traceparent;desc=\"00-x\"".to_owned(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("server-timing", value.parse().unwrap());
            assert_eq!(server_timing(&headers).is_some(), found, "{value}");
        }
    }
}
