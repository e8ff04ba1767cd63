//! The sampler as OpenTelemetry's SDK asks it: for a span that is described.

use opentelemetry::trace::{
    Link, SpanContext, SpanKind, TraceContextExt as _, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use super::SessionSampler;
use super::decision::{Decision, Verdict};
use super::facts::{Described, Facts};
use super::sampler::Caller;
use crate::spans::Why as _;

impl ShouldSample for SessionSampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        _name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let nothing = Context::new();
        let cx = parent_context.unwrap_or(&nothing);
        let span = cx.span();
        let parent = Some(span.span_context()).filter(|parent| parent.is_valid());
        if let Some(parent) = parent.filter(|parent| !parent.is_remote()) {
            return of_parent(parent);
        }
        let span = Described {
            cx,
            kind,
            attributes,
        };
        let caller = parent.map(Caller::of);
        let decision = self.decide(caller, trace_id, &Facts::of_described(&span));
        result(&decision, list_in(cx), trace_id)
    }
}

fn list_in(cx: &Context) -> TraceState {
    cx.span().span_context().trace_state().clone()
}

/// A span in the same process has its parent's decision.
fn of_parent(parent: &SpanContext) -> SamplingResult {
    SamplingResult {
        decision: match parent.is_sampled() {
            true => SamplingDecision::RecordAndSample,
            false => SamplingDecision::Drop,
        },
        attributes: Vec::new(),
        trace_state: parent.trace_state().clone(),
    }
}

fn result(decision: &Decision, list: TraceState, trace_id: TraceId) -> SamplingResult {
    let mut attributes = Vec::new();
    if decision.verdict != Verdict::Dropped {
        decision.describe(&mut |attribute| attributes.push(attribute));
    }
    SamplingResult {
        decision: match decision.verdict {
            Verdict::Sampled => SamplingDecision::RecordAndSample,
            Verdict::Watched => SamplingDecision::RecordOnly,
            Verdict::Dropped => SamplingDecision::Drop,
        },
        attributes,
        trace_state: decision.list(list, trace_id),
    }
}
