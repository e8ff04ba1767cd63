//! The ids in a captured header set, cut out of the text: a second reader that
//! shares nothing with the parsers under test. It reads what real clients
//! write, not everything that is valid.

use crate::captures::Capture;
use crate::expectations::{Expectation, Ids};

/// The caller's span, by the default precedence: W3C, `sw8`, b3, Jaeger.
///
/// # Panics
///
/// If the capture has an `sw8` and the file does not give its ids, or if it has
/// no carrier at all.
#[must_use]
pub fn of(capture: &Capture, expected: &Expectation) -> Ids {
    if let Some(value) = capture.header("traceparent") {
        return ids(&value[3..35], &value[36..52]);
    }
    if capture.header("sw8").is_some() {
        let given = expected.ids.clone();
        return given.unwrap_or_else(|| panic!("{}: no ids for its sw8", capture.case));
    }
    if let Some(value) = capture.header("b3") {
        return ids(&value[..32], &value[33..49]);
    }
    if let Some(trace_id) = capture.header("x-b3-traceid") {
        let span_id = capture.header("x-b3-spanid").unwrap_or_default();
        return ids(trace_id, span_id);
    }
    if let Some(value) = capture.header("uber-trace-id") {
        return ids(&value[..32], &value[33..49]);
    }
    panic!("{}: no header names a span", capture.case)
}

fn ids(trace_id: &str, parent_id: &str) -> Ids {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(
        trace_id.len() == 32 && parent_id.len() == 16 && hex(trace_id) && hex(parent_id),
        "{trace_id} and {parent_id} are no ids"
    );
    Ids {
        trace_id: trace_id.to_owned(),
        parent_id: parent_id.to_owned(),
    }
}
