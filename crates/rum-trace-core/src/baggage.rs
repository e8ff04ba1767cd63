//! Ordinary baggage, into OpenTelemetry's own place for it.

use std::borrow::Cow;

use opentelemetry::Context;
use opentelemetry::baggage::{BaggageExt, BaggageMetadata, KeyValueMetadata};
use rum_trace_propagation::baggage::{BaggageEntry, entries, is_rum_key};
use rum_trace_propagation::sw8::correlation;

use crate::headers::TraceHeaders;
use crate::privacy::Hiding;

/// The context with the request's baggage: the entries of `baggage` other than
/// the RUM ones, and those of `sw8-correlation`, which is SkyWalking's baggage.
/// The SDK's type bounds their number and size.
pub(crate) fn with_baggage(
    cx: Context,
    headers: &TraceHeaders<'_>,
    hiding: Option<&Hiding<'_>>,
) -> Context {
    if headers.baggage.is_empty() && headers.sw8_correlation.is_empty() {
        return cx;
    }
    with_entries(cx, headers, hiding)
}

#[inline(never)]
fn with_entries(cx: Context, headers: &TraceHeaders<'_>, hiding: Option<&Hiding<'_>>) -> Context {
    let shown = |key: &str, value: Cow<'_, str>, properties: &str| match hiding {
        Some(hiding) => hiding.entry(key, &value, properties).map(Cow::into_owned),
        None => Some(value.into_owned()),
    };
    // Counted where the RUM entries are read.
    let within = !headers.has_too_much_baggage();
    let lines = headers.baggage.iter().filter(|_| within);
    let ordinary = lines.flat_map(ordinary);
    let ordinary = ordinary.filter_map(|entry| {
        let (key, properties) = (entry.key(), entry.properties());
        let value = shown(key, entry.into_value(), properties)?;
        let properties = BaggageMetadata::from(properties);
        Some(KeyValueMetadata::new(key.to_owned(), value, properties))
    });
    let correlated = headers.sw8_correlation.iter().flat_map(correlated);
    let correlated = correlated.filter_map(|(key, value)| {
        let value = shown(&key, Cow::Owned(value), "")?;
        Some(KeyValueMetadata::new(
            key,
            value,
            BaggageMetadata::default(),
        ))
    });
    let found: Vec<KeyValueMetadata> = ordinary.chain(correlated).collect();
    if found.is_empty() {
        return cx;
    }
    cx.with_baggage(found)
}

fn ordinary(line: &[u8]) -> impl Iterator<Item = BaggageEntry<'_>> {
    let entries = entries(line).flatten();
    entries.filter(|entry| !is_rum_key(entry.key()))
}

fn correlated(line: &[u8]) -> impl Iterator<Item = (String, String)> {
    correlation::pairs(line).flatten()
}
