//! `/traces`: the list, and the search.

use serde::Serialize;

use super::query::{Query, decimal};
use super::{Answer, ApiError};
use crate::analysis::summary::Summary;
use crate::collector::{Filter, Listed, StatusFilter, Store};

const PARAMETERS: &[&str] = &[
    "app", "app_type", "session", "user", "trace_id", "route", "service", "peer", "status",
    "min_ms", "max_ms", "missing", "q", "limit", "before",
];

#[derive(Debug, Serialize)]
pub(super) struct Traces {
    traces: Vec<Summary>,
    /// The `before` of what comes next.
    next: Option<String>,
    sequence: u64,
}

pub(super) fn answer(store: &Store, query: Option<&str>) -> Answer<Traces> {
    let query = Query::parse(query, PARAMETERS)?;
    let before = query.read("before", "a cursor, as `next` gives it", decimal)?;
    let found = store.search(&filter(&query)?, query.limit()?, before);
    Ok(Traces {
        traces: found.traces.iter().map(Listed::summary).collect(),
        next: found.next.map(|next| next.to_string()),
        sequence: found.sequence,
    })
}

fn filter(query: &Query) -> Answer<Filter> {
    let (shortest, longest) = (
        milliseconds(query, "min_ms")?,
        milliseconds(query, "max_ms")?,
    );
    if let (Some(shortest), Some(longest)) = (shortest, longest) {
        if shortest > longest {
            return Err(ApiError::invalid("min_ms", "no more than max_ms"));
        }
    }
    Ok(Filter {
        app: query.owned("app"),
        app_type: query.owned("app_type"),
        session: query.owned("session"),
        user: query.owned("user"),
        service: query.owned("service"),
        peer: query.owned("peer"),
        route: query.owned("route"),
        trace_id: query.read("trace_id", "4 to 32 hex digits", trace_id)?,
        status: query.read("status", "a code as 404, a class as 5xx, or error", status)?,
        shortest,
        longest,
        missing: query.read("missing", "true or false", |text| text.parse().ok())?,
        text: query.read("q", "text of one line", one_line)?,
    })
}

fn one_line(text: &str) -> Option<String> {
    (!text.contains('\n')).then(|| text.to_owned())
}

fn trace_id(text: &str) -> Option<String> {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hex && (4..=32).contains(&text.len())).then(|| text.to_ascii_lowercase())
}

fn status(text: &str) -> Option<StatusFilter> {
    match text.as_bytes() {
        b"error" => Some(StatusFilter::Error),
        [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => {
            Some(StatusFilter::Class(i64::from(class - b'0')))
        }
        [_, _, _] => decimal(text).map(StatusFilter::Code),
        _ => None,
    }
}

fn milliseconds(query: &Query, name: &str) -> Answer<Option<u64>> {
    query.read(name, "milliseconds, as in 250 or 0.5", nanoseconds)
}

/// By its digits, so that nothing is rounded.
fn nanoseconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || part.is_empty() || part.len() > 6 {
        return None;
    }
    let whole: u64 = decimal(whole)?;
    let part: u64 = decimal(&format!("{part:0<6}"))?;
    whole.checked_mul(1_000_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("0", Some(0)),
            ("250", Some(250_000_000)),
            ("0.5", Some(500_000)),
            ("1.000001", Some(1_000_001)),
            ("1.0000001", None),
            ("1.", None),
            (".5", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("NaN", None),
            ("99999999999999", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text:?}");
        }
    }
}
