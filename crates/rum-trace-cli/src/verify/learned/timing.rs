//! What a service says of its SERVER span in `Server-Timing`.

use http::HeaderMap;
use rum_trace_propagation::{SpanId, TraceId, TraceParent};

/// The SERVER span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) sampled: bool,
}

impl Timing {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all("server-timing").iter();
        let metrics = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
        metrics.map(str::trim).find_map(|metric| {
            let (name, description) = metric.split_once(";desc=")?;
            let is_ours = matches!(name.trim(), "traceparent" | "trace");
            let text = description.trim_matches('"');
            let span = TraceParent::parse(text.as_bytes()).ok();
            let span = span.filter(|_| is_ours)?;
            Some(Timing {
                trace: span.trace_id(),
                span: span.parent_id(),
                sampled: span.flags().is_sampled(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (value, sampled) in [
            (format!("traceparent;desc=\"{trace}\""), Some(true)),
            (format!("db;dur=5, trace;desc={trace}"), Some(true)),
            (
                format!("trace;desc={}", trace.replace("-01", "-00")),
                Some(false),
            ),
            (format!("other;desc=\"{trace}\""), None),
            ("traceparent;desc=\"00-x\"".to_owned(), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("server-timing", value.parse().unwrap());
            let timing = Timing::of(&headers);
            assert_eq!(timing.map(|timing| timing.sampled), sampled, "{value}");
        }
    }
}
