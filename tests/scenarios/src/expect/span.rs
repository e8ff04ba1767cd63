//! A request's span.

use std::collections::{BTreeMap, HashMap, VecDeque};

use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;

use super::Expected;

/// Stands for a value that no test can know.
pub const ANY: &str = "any";

/// The attribute with the time to the first byte.
pub const TIME_TO_FIRST_BYTE: &str = "rum.response.time_to_first_byte";

/// Attributes whose value is [`ANY`].
const FREE: [&str; 2] = ["network.peer.port", TIME_TO_FIRST_BYTE];

/// Checks spans, and puts them into the order of what is expected.
///
/// # Panics
///
/// If they are not as expected.
#[must_use]
pub fn check_spans(expected: &[Expected], found: Vec<SpanData>) -> Vec<SpanData> {
    let mut by_parent: HashMap<String, VecDeque<SpanData>> = HashMap::new();
    for span in found {
        let same_parent = by_parent.entry(span.parent_span_id.to_string());
        same_parent.or_default().push_back(span);
    }
    let recorded = expected.iter().filter(|expected| expected.recorded);
    let in_order = recorded.map(|expected| {
        let span = by_parent.get_mut(&expected.parent());
        let span = span.and_then(VecDeque::pop_front);
        let span = span.unwrap_or_else(|| panic!("no span for {expected:?}"));
        check_span(expected, &span);
        span
    });
    in_order.collect()
}

fn check_span(expected: &Expected, span: &SpanData) {
    assert_eq!(span.name, expected.span_name(), "{expected:?}");
    assert_eq!(span.span_kind, SpanKind::Server, "{expected:?}");
    let status = match expected.error_type {
        Some(_) => Status::error(""),
        None => Status::Unset,
    };
    assert_eq!(attributes(span), expected.span_attributes(), "{expected:?}");
    assert_eq!(span.status, status, "{expected:?}");
    assert_eq!(span.parent_span_is_remote, expected.caller.is_some());
    if let Some((trace, _)) = &expected.caller {
        assert_eq!(span.span_context.trace_id().to_string(), *trace);
    }
    assert_eq!(span.links.len(), expected.links, "{expected:?}");
    assert!(span.events.is_empty(), "{span:?}");
}

/// A span's attributes as text.
///
/// # Panics
///
/// If one is there twice.
#[must_use]
pub fn attributes(span: &SpanData) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    for pair in &span.attributes {
        let name = pair.key.to_string();
        let value = match FREE.contains(&&*name) {
            true => ANY.to_owned(),
            false => pair.value.as_str().into_owned(),
        };
        let before = attributes.insert(name, value);
        assert!(before.is_none(), "{} is there twice: {span:?}", pair.key);
    }
    attributes
}

/// The attribute, in seconds.
///
/// # Panics
///
/// If it is not there.
#[must_use]
pub fn time_to_first_byte(span: &SpanData) -> f64 {
    let mut attributes = span.attributes.iter();
    let found = attributes.find(|pair| pair.key.as_str() == TIME_TO_FIRST_BYTE);
    match found.map(|pair| &pair.value) {
        Some(Value::F64(seconds)) => *seconds,
        other => panic!("the time to the first byte is {other:?}"),
    }
}
