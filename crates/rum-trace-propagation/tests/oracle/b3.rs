//! B3, as one header and as several.

use super::{latin1, padded_id, trim};

/// The ids as lowercase hex of full length, and the decision.
pub(crate) type Read = (Option<(String, String)>, &'static str);

/// `b3: {trace id}-{span id}[-{sampled}[-{parent span id}]]`, or `{sampled}`.
pub(crate) fn single(value: &[u8]) -> Option<Read> {
    let text = latin1(value);
    let parts: Vec<&str> = trim(&text).split('-').collect();
    match parts[..] {
        [state] => Some((None, sampling(state)?)),
        [trace, span] => Some((Some(ids(trace, span)?), "Defer")),
        [trace, span, state] => Some((Some(ids(trace, span)?), sampling(state)?)),
        [trace, span, state, parent] => {
            parent_id(parent)?;
            Some((Some(ids(trace, span)?), sampling(state)?))
        }
        _ => None,
    }
}

/// `X-B3-TraceId`, `-SpanId`, `-Sampled` and `-Flags`, in that order.
pub(crate) fn multi(headers: [Option<&[u8]>; 4]) -> Option<Read> {
    let texts = headers.map(|header| header.map(|value| trim(&latin1(value)).to_owned()));
    let [trace, span, sampled, flags] = texts.each_ref().map(Option::as_deref);
    let context = match (trace, span) {
        (Some(trace), Some(span)) => Some(ids(trace, span)?),
        (None, None) => None,
        _ => return None,
    };
    // The flag for debug implies that the trace is accepted, so that nobody
    // needs to look at the other header. Flags other than `1` mean nothing.
    match flags {
        Some("1") => Some((context, "Debug")),
        _ => Some((context, sampled.map_or(Some("Defer"), sampling)?)),
    }
}

fn ids(trace: &str, span: &str) -> Option<(String, String)> {
    let trace = (trace.len() == 16 || trace.len() == 32).then_some(trace)?;
    let span = (span.len() == 16).then_some(span)?;
    Some((padded_id(trace, 32)?, padded_id(span, 16)?))
}

fn parent_id(text: &str) -> Option<()> {
    (text.len() == 16 && text.chars().all(|c| c.is_ascii_hexdigit())).then_some(())
}

fn sampling(text: &str) -> Option<&'static str> {
    match text {
        "1" | "true" => Some("Accept"),
        "0" | "false" => Some("Deny"),
        "d" => Some("Debug"),
        _ => None,
    }
}
