//! The request's session on the spans that are started under its context.
//!
//! It is the sampler that adds it, and not a processor: the specification lets a
//! sampler add attributes, it sees which the span has already, and it is asked
//! before any processor, so that all of them see the session. A processor would have to
//! copy the whole span in order to look at its attributes.

use opentelemetry::trace::{Link, SpanBuilder, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue, StringValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use rum_trace_core::{RumContext, RumKey};

/// What is added.
const KEYS: [RumKey; 2] = [RumKey::SessionId, RumKey::AppId];

/// An attribute's name and its value.
pub(crate) type Added = (&'static str, StringValue);

/// Session and app of the context's request, without what is there already.
pub(crate) fn missing(cx: &Context, is_there: impl Fn(&str) -> bool) -> [Option<Added>; 2] {
    KEYS.map(|key| {
        let name = key.attribute();
        if is_there(name) {
            return None;
        }
        Some((name, RumContext::shared_value(cx, key)?))
    })
}

fn add_missing(attributes: &mut Vec<KeyValue>, missing: [Option<Added>; 2]) {
    let missing = missing.into_iter().flatten();
    attributes.extend(missing.map(|(name, value)| KeyValue::new(name, value)));
}

fn has(attributes: &[KeyValue], name: &str) -> bool {
    attributes.iter().any(|known| known.key.as_str() == name)
}

/// Decides as its inner sampler does, and adds the session to what is recorded.
#[derive(Clone, Debug)]
pub(crate) struct SessionOnSpans {
    sampler: Box<dyn ShouldSample>,
}

impl SessionOnSpans {
    pub(crate) fn new(sampler: Box<dyn ShouldSample>) -> Self {
        SessionOnSpans { sampler }
    }
}

impl ShouldSample for SessionOnSpans {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result = self.sampler.should_sample(
            parent_context,
            trace_id,
            name,
            span_kind,
            attributes,
            links,
        );
        if result.decision != SamplingDecision::Drop {
            if let Some(cx) = parent_context {
                let added = &mut result.attributes;
                let missing = missing(cx, |name| has(attributes, name) || has(added, name));
                add_missing(added, missing);
            }
        }
        result
    }
}

/// The same for a span that no sampler of the provider's is asked about.
#[inline(never)]
pub(crate) fn added_to(mut builder: SpanBuilder, cx: &Context) -> SpanBuilder {
    let attributes = builder.attributes.get_or_insert_default();
    let missing = missing(cx, |name| has(attributes, name));
    add_missing(attributes, missing);
    builder
}
