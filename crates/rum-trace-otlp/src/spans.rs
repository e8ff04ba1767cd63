//! The SERVER spans of rum-trace's layers, started for less than by a tracer
//! that does not know its sampler.

use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::{
    SpanContext, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    TracerProvider as _,
};
use opentelemetry::{Context, Key, KeyValue, SpanId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SdkTracer, SdkTracerProvider,
    ShouldSample,
};
use rum_trace_core::sharded::{Shard, Sharded};
use rum_trace_core::tracer::{NewSpan, SpanSink, SpanStarter, scope};

use crate::config::resource::{SERVICE_INSTANCE_ID, SERVICE_NAME};
#[cfg(feature = "sampling")]
use crate::sampling::{self, SessionSampler};
use crate::server_span::{Recorder, ServerSpan};
use crate::session;

/// Starts SERVER spans; made by [`Pipeline::span_starter`](crate::Pipeline::span_starter).
///
/// The samplers that `OTEL_TRACES_SAMPLER` can name decide by the caller's span
/// and the trace id alone, and `sampling::SessionSampler` by what is known without a
/// description. So it asks them first, and a request that will not
/// be recorded has no attributes made for it. A sampler of the user's own sees
/// all of them, as the specification wants it.
#[derive(Clone)]
pub struct PipelineSpans {
    tracer: SdkTracer,
    shortcut: Option<Shortcut>,
    service: Arc<Service>,
}

/// What the resource calls service and instance.
#[derive(Debug, Default)]
pub(crate) struct Service {
    name: String,
    instance: String,
}

impl Service {
    pub(crate) fn of(resource: &Resource) -> Self {
        let text = |name| {
            let value = resource.get(&Key::from_static_str(name));
            value.map(|value| value.as_str().into_owned())
        };
        Service {
            name: text(SERVICE_NAME).unwrap_or_default(),
            instance: text(SERVICE_INSTANCE_ID).unwrap_or_default(),
        }
    }
}

/// What is needed to do without the SDK's tracer.
#[derive(Debug, Clone)]
pub(crate) struct Shortcut {
    pub(crate) decides: Decides,
    pub(crate) ids: SharedIds,
    /// There is none if somebody has to see the SDK's own spans.
    pub(crate) recorder: Option<Arc<Sharded<Recorder>>>,
}

/// A decision that a span tells of.
pub(crate) trait Why {
    /// Adds them.
    fn describe(&self, add: &mut dyn FnMut(KeyValue));
}

/// Who decides before a span is described.
#[derive(Debug, Clone)]
pub(crate) enum Decides {
    /// One of the SDK's, which look at the caller's span and the trace id alone.
    Sdks {
        sampler: Sampler,
        /// It can be asked for the root of a trace, too.
        roots: bool,
    },
    #[cfg(feature = "sampling")]
    Sessions(SessionSampler),
}

impl PipelineSpans {
    pub(crate) fn new(
        provider: &SdkTracerProvider,
        shortcut: Option<Shortcut>,
        service: Service,
    ) -> Self {
        PipelineSpans {
            tracer: provider.tracer_with_scope(scope()),
            shortcut,
            service: Arc::new(service),
        }
    }
}

impl SpanStarter for PipelineSpans {
    fn start_span(&self, span: NewSpan<'_>) -> Context {
        match &self.shortcut {
            Some(shortcut) if !span.base().is_telemetry_suppressed() => {
                shortcut.start(&self.tracer, span)
            }
            _ => self.tracer.start_span(span),
        }
    }

    fn service(&self) -> Option<(&str, &str)> {
        Some((&self.service.name, &self.service.instance))
    }

    fn asks_of_skipped(&self) -> bool {
        let decides = self.shortcut.as_ref().map(|shortcut| &shortcut.decides);
        !matches!(decides, Some(Decides::Sdks { .. }))
    }
}

impl Shortcut {
    fn start(&self, tracer: &SdkTracer, span: NewSpan<'_>) -> Context {
        match &self.decides {
            Decides::Sdks { sampler, roots } => self.start_sdks(sampler, *roots, tracer, span),
            #[cfg(feature = "sampling")]
            Decides::Sessions(sampler) => sampling::start(sampler, self, tracer, span),
        }
    }

    fn start_sdks(
        &self,
        sampler: &Sampler,
        roots: bool,
        tracer: &SdkTracer,
        span: NewSpan<'_>,
    ) -> Context {
        let Some(remote) = span.remote() else {
            // The parent is the active span; mostly there is none.
            let is_root = roots && !span.base().has_active_span();
            return match self.recorder().filter(|_| is_root) {
                Some(recorder) => self.start_root(sampler, recorder, span),
                None => tracer.start_span(span),
            };
        };
        let trace_id = remote.trace_id();
        if !samples(sampler, Some(&remote), trace_id) {
            return self.unsampled(trace_id, span.trace_state(), &span);
        }
        let Some(recorder) = self.recorder() else {
            return tracer.start_span(span);
        };
        let flags = remote.trace_flags().with_sampled(true);
        let span_context = self.child(trace_id, flags, span.trace_state());
        record(recorder, span, Some(&remote), span_context, None)
    }

    fn start_root(
        &self,
        sampler: &Sampler,
        recorder: &Shard<Recorder>,
        span: NewSpan<'_>,
    ) -> Context {
        let trace_id = self.ids.new_trace_id();
        if !samples(sampler, None, trace_id) {
            return self.unsampled(trace_id, span.trace_state(), &span);
        }
        let flags = TraceFlags::default().with_sampled(true);
        let span_context = self.child(trace_id, flags, span.trace_state());
        record(recorder, span, None, span_context, None)
    }

    pub(crate) fn recorder(&self) -> Option<&Shard<Recorder>> {
        let recorder = self.recorder.as_ref()?.here();
        recorder.is_open().then_some(recorder)
    }

    pub(crate) fn unsampled(
        &self,
        trace_id: TraceId,
        list: TraceState,
        span: &NewSpan<'_>,
    ) -> Context {
        let span_context = self.child(trace_id, TraceFlags::default(), list);
        span.base().with_remote_span_context(span_context)
    }

    pub(crate) fn child(
        &self,
        trace_id: TraceId,
        flags: TraceFlags,
        list: TraceState,
    ) -> SpanContext {
        let span_id = self.ids.new_span_id();
        SpanContext::new(trace_id, span_id, flags, false, list)
    }
}

/// What the sampler will say of the child of this span.
fn samples(sampler: &Sampler, caller: Option<&SpanContext>, trace_id: TraceId) -> bool {
    if let (Sampler::ParentBased(_), Some(caller)) = (sampler, caller) {
        return caller.is_sampled();
    }
    let kind = SpanKind::Server;
    let result = sampler.should_sample(None, trace_id, "", &kind, &[], &[]);
    result.decision != SamplingDecision::Drop
}

pub(crate) fn record(
    recorder: &Shard<Recorder>,
    span: NewSpan<'_>,
    parent: Option<&SpanContext>,
    span_context: SpanContext,
    why: Option<&dyn Why>,
) -> Context {
    let base = span.base();
    let mut recording = ServerSpan::new(recorder, span.kind(), parent, span_context);
    // A SERVER span of a layer's has all that the client told.
    if recorder.session_on_every_span && span.kind() != SpanKind::Server {
        recording.take(session::added_to(span.into_builder(), base));
    } else {
        span.describe(&mut recording);
    }
    if let Some(why) = why {
        why.describe(&mut |attribute| recording.attribute(attribute));
    }
    base.with_span(recording)
}

impl fmt::Debug for PipelineSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineSpans")
            .field("shortcut", &self.shortcut)
            .finish_non_exhaustive()
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
            let before = samples(sampler, Some(&remote), id);
            assert_eq!(before, sampled, "{sampler:?} {number}");
            decisions[usize::from(sampled)] += 1;
        }
        assert!(decisions.iter().all(|count| *count > 100), "{decisions:?}");
    }
}
