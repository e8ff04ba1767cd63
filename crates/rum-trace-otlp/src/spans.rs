//! The SERVER spans of rum-trace's layers, started for less than by a tracer
//! that does not know its sampler.

use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::{
    Link, SpanContext, SpanKind, TraceContextExt as _, TraceId, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, SpanId};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, SdkTracer,
    SdkTracerProvider, ShouldSample,
};
use rum_trace_core::tracer::{NewSpan, SpanStarter, scope, trace_state};

/// Starts SERVER spans; made by [`Pipeline::span_starter`](crate::Pipeline::span_starter).
///
/// The samplers that `OTEL_TRACES_SAMPLER` can name decide by the caller's span
/// and the trace id alone. So it asks them first, and a request that will not
/// be recorded has no attributes made for it. A sampler of the user's own sees
/// all of them, as the specification wants it.
#[derive(Clone)]
pub struct PipelineSpans {
    tracer: SdkTracer,
    shortcut: Option<Shortcut>,
}

/// What is needed to decide before the span is described.
#[derive(Debug, Clone)]
pub(crate) struct Shortcut {
    sampler: Sampler,
    ids: SharedIds,
}

impl PipelineSpans {
    pub(crate) fn new(provider: &SdkTracerProvider, shortcut: Option<Shortcut>) -> Self {
        PipelineSpans {
            tracer: provider.tracer_with_scope(scope()),
            shortcut,
        }
    }
}

impl SpanStarter for PipelineSpans {
    fn start_span(&self, span: NewSpan<'_>) -> Context {
        // The root of a trace has no id yet to decide by.
        match (&self.shortcut, span.remote()) {
            (Some(shortcut), Some(remote)) => shortcut.start(&self.tracer, &remote, span),
            _ => self.tracer.start_span(span),
        }
    }
}

impl Shortcut {
    pub(crate) fn new(sampler: Sampler, ids: SharedIds) -> Self {
        Shortcut { sampler, ids }
    }

    /// The same sampler for the provider.
    pub(crate) fn sampler(&self) -> impl ShouldSample + use<> {
        ListSampler(self.sampler.clone())
    }

    fn start(&self, tracer: &SdkTracer, remote: &SpanContext, span: NewSpan<'_>) -> Context {
        if !self.samples(remote) {
            return span.not_recorded(self.ids.new_span_id());
        }
        let parent = span.bare_parent();
        let span = tracer.build_with_context(span.into_builder(), &parent);
        parent.with_span(span)
    }

    /// What the sampler will say of the child of this span.
    fn samples(&self, remote: &SpanContext) -> bool {
        if let Sampler::ParentBased(_) = self.sampler {
            return remote.is_sampled();
        }
        let (id, kind) = (remote.trace_id(), SpanKind::Server);
        let result = self.sampler.should_sample(None, id, "", &kind, &[], &[]);
        result.decision != SamplingDecision::Drop
    }
}

impl fmt::Debug for PipelineSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineSpans")
            .field("shortcut", &self.shortcut)
            .finish_non_exhaustive()
    }
}

/// Gives the SERVER span its trace state. The SDK's samplers copy the parent's;
/// the parent here has none, which saves making it twice.
#[derive(Debug, Clone)]
struct ListSampler(Sampler);

impl ShouldSample for ListSampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result =
            self.0
                .should_sample(parent_context, trace_id, name, span_kind, attributes, links);
        if let Some(list) = parent_context.and_then(trace_state) {
            result.trace_state = list;
        }
        result
    }
}

/// The provider's id generator, and ours.
#[derive(Debug, Clone)]
pub(crate) struct SharedIds(Arc<dyn IdGenerator>);

impl SharedIds {
    pub(crate) fn new(ids: impl IdGenerator + 'static) -> Self {
        SharedIds(Arc::new(ids))
    }
}

impl Default for SharedIds {
    fn default() -> Self {
        SharedIds::new(RandomIdGenerator::default())
    }
}

impl IdGenerator for SharedIds {
    fn new_trace_id(&self) -> TraceId {
        self.0.new_trace_id()
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{TraceFlags, TraceState};

    use super::*;

    #[test]
    fn the_shortcut_decides_as_the_sampler_does() {
        let samplers = [
            Sampler::AlwaysOn,
            Sampler::AlwaysOff,
            Sampler::TraceIdRatioBased(0.5),
            Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
            Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.5))),
        ];
        let mut decisions = [0, 0];
        for (sampler, number) in samplers
            .iter()
            .flat_map(|it| (1..100_u128).map(move |n| (it, n)))
        {
            let id = TraceId::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_9e37_79b9_7f4a_7c15));
            let flags = TraceFlags::default().with_sampled(number % 2 == 0);
            let remote = SpanContext::new(id, SpanId::from(1), flags, true, TraceState::NONE);
            let parent = Context::new().with_remote_span_context(remote.clone());
            let kind = SpanKind::Server;
            let result = sampler.should_sample(Some(&parent), id, "GET", &kind, &[], &[]);
            let sampled = result.decision == SamplingDecision::RecordAndSample;
            let shortcut = Shortcut::new(sampler.clone(), SharedIds::default());
            assert_eq!(shortcut.samples(&remote), sampled, "{sampler:?} {number}");
            decisions[usize::from(sampled)] += 1;
        }
        assert!(decisions.iter().all(|count| *count > 100), "{decisions:?}");
    }
}
