//! How much memory a span takes, as far as it can be told without asking the
//! allocator.

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// Bytes of a span with all that it holds: text, attributes, events, links.
/// Text that is static counts as well, since it looks the same.
pub(crate) fn of(span: &SpanData) -> u64 {
    let mut bytes = size_of::<SpanData>() + span.name.len() + of_attributes(&span.attributes);
    for event in &span.events.events {
        bytes += size_of_val(event) + event.name.len() + of_attributes(&event.attributes);
    }
    for link in &span.links.links {
        bytes += size_of_val(link) + of_attributes(&link.attributes);
    }
    bytes as u64
}

fn of_attributes(attributes: &[KeyValue]) -> usize {
    attributes
        .iter()
        .map(|kv| size_of::<KeyValue>() + kv.key.as_str().len() + of_value(&kv.value))
        .sum()
}

/// What a value holds beside itself.
fn of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => texts
            .iter()
            .map(|text| size_of_val(text) + text.as_str().len())
            .sum(),
        Value::Array(Array::Bool(list)) => list.len(),
        Value::Array(Array::I64(list)) => size_of_val(&**list),
        Value::Array(Array::F64(list)) => size_of_val(&**list),
        // The other kinds hold nothing beside themselves.
        _ => 0,
    }
}
