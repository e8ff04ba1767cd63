//! Ordinary baggage, into OpenTelemetry's own place for it.

use opentelemetry::Context;
use opentelemetry::baggage::{BaggageExt, BaggageMetadata, KeyValueMetadata};
use rum_trace_propagation::baggage::{entries, is_rum_key};
use rum_trace_propagation::sw8::correlation;

use crate::headers::TraceHeaders;

/// The context with the request's baggage: the entries of `baggage` other than
/// the RUM ones, and those of `sw8-correlation`, which is SkyWalking's baggage.
/// The SDK's type bounds their number and size.
pub(crate) fn with_baggage(cx: Context, headers: &TraceHeaders<'_>) -> Context {
    if headers.baggage.is_empty() && headers.sw8_correlation.is_empty() {
        return cx;
    }
    with_entries(cx, headers)
}

#[inline(never)]
fn with_entries(cx: Context, headers: &TraceHeaders<'_>) -> Context {
    let mut found: Vec<KeyValueMetadata> = headers.baggage.iter().flat_map(ordinary).collect();
    found.extend(headers.sw8_correlation.iter().flat_map(correlated));
    if found.is_empty() {
        return cx;
    }
    cx.with_baggage(found)
}

fn ordinary(line: &[u8]) -> impl Iterator<Item = KeyValueMetadata> + '_ {
    entries(line)
        .flatten()
        .filter(|entry| !is_rum_key(entry.key()))
        .map(|entry| {
            KeyValueMetadata::new(
                entry.key().to_owned(),
                entry.value().to_owned(),
                BaggageMetadata::from(entry.properties()),
            )
        })
}

fn correlated(line: &[u8]) -> impl Iterator<Item = KeyValueMetadata> + '_ {
    correlation::pairs(line)
        .flatten()
        .map(|(key, value)| KeyValueMetadata::new(key, value, BaggageMetadata::default()))
}
