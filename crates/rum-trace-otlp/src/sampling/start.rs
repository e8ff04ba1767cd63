//! The SERVER spans of layers, decided on before they are described.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, Tracer as _};
use opentelemetry_sdk::trace::{IdGenerator as _, SdkTracer};
use rum_trace_core::tracer::NewSpan;

use super::SessionSampler;
use super::decision::Verdict;
use super::facts::{Asked, Facts};
use super::sampler::Caller;
use crate::spans::{Shortcut, record};

/// Starts the span as the sampler says.
pub(crate) fn start(
    sampler: &SessionSampler,
    shortcut: &Shortcut,
    tracer: &SdkTracer,
    span: NewSpan<'_>,
) -> Context {
    let remote = span.remote();
    // An active span is the parent of one without a caller: a case for the SDK.
    let is_ours = remote.is_some() || !span.base().has_active_span();
    let Some(recorder) = shortcut.recorder().filter(|_| is_ours) else {
        return start_described(sampler, tracer, span);
    };
    let trace_id = match &remote {
        Some(remote) => remote.trace_id(),
        None => shortcut.ids.new_trace_id(),
    };
    let facts = Facts::of_new(&span);
    let decision = sampler.decide(remote.as_ref().map(Caller::of), trace_id, &facts);
    let list = decision.list_of(&span, trace_id);
    if decision.verdict == Verdict::Dropped {
        return shortcut.unsampled(trace_id, list, &span);
    }
    let came = remote
        .as_ref()
        .map_or(TraceFlags::default(), SpanContext::trace_flags);
    let flags = came.with_sampled(decision.verdict == Verdict::Sampled);
    let span_context = shortcut.child(trace_id, flags, list);
    let parent = remote.as_ref();
    record(recorder, span, parent, span_context, Some(&decision))
}

/// Through the SDK, which asks the sampler, and hands it what the layer knows.
fn start_described(sampler: &SessionSampler, tracer: &SdkTracer, span: NewSpan<'_>) -> Context {
    let parent = span.parent();
    let cx = parent.with_value(Asked::of(&span, sampler.ruleset()));
    let span = tracer.build_with_context(span.into_builder(), &cx);
    parent.with_span(span)
}
