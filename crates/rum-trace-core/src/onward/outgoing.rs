//! What goes out with a span: its ids, and the list that goes with them.

use opentelemetry::trace::{SpanContext, TraceState as SdkTraceState};
use rum_trace_propagation::tracestate::{compose, is_legal_member};
use rum_trace_propagation::{SpanId, TraceFlags, TraceId, TraceParent};

use super::TraceProtocol;
use crate::Carrier;
use crate::inbound::{Inbound, InboundTrace};
use crate::limits::MAX_TRACE_STATE_SENT;
use crate::trace_state::{is_rum_key, members, sdk_takes};

/// The trace of a span, as the next service is to get it.
pub(super) struct Outgoing<'a> {
    pub(super) parent: TraceParent,
    sdk: &'a SdkTraceState,
    /// The list that came in with the trace that goes out.
    came_in: &'a str,
    carrier: Option<Carrier>,
    /// The trace id's own text, if it came in an `sw8`.
    pub(super) sw8_trace_id: Option<&'a str>,
}

impl<'a> Outgoing<'a> {
    /// Nothing, if the span context is not valid.
    pub(super) fn new(span: &'a SpanContext, inbound: Option<&'a Inbound>) -> Option<Self> {
        let trace_id = TraceId::from_bytes(span.trace_id().to_bytes())?;
        let span_id = SpanId::from_bytes(span.span_id().to_bytes())?;
        // Code in between may have started a trace of its own.
        let is_ours = |trace: &&InboundTrace| trace.trace_id == trace_id;
        let inbound = inbound.filter(|inbound| inbound.trace().is_none_or(|it| is_ours(&it)));
        let trace = inbound.and_then(Inbound::trace);
        let mut flags = TraceFlags::from_bits(span.trace_flags().to_u8());
        if let Some(trace) = trace {
            flags = flags.with_random(trace.flags.is_random());
        }
        Some(Outgoing {
            parent: TraceParent::new(trace_id, span_id, flags),
            sdk: span.trace_state(),
            came_in: inbound.map_or("", |inbound| inbound.rum.list()),
            carrier: trace.map(|trace| trace.carrier),
            sw8_trace_id: trace.and_then(|trace| trace.sw8_trace_id.as_deref()),
        })
    }

    /// b3, Jaeger and whatever else go on as W3C.
    pub(super) fn came_in_by(&self) -> TraceProtocol {
        match self.carrier {
            Some(Carrier::Sw8) => TraceProtocol::Sw8,
            _ => TraceProtocol::W3c,
        }
    }

    pub(super) fn list(&self, rum: bool) -> String {
        let added = self
            .sdk
            .into_iter()
            .filter(|member| !self.came_in_unchanged(*member));
        // What the SDK's state could hold and no longer does was taken out.
        let kept = members(self.came_in).filter(|(key, value)| match self.sdk.get(key) {
            Some(current) => current == *value,
            None => is_rum_key(key) || self.sdk_has_lost(key) || !sdk_takes(key, value),
        });
        let members = added
            .filter(|(key, value)| is_legal_member(key, value))
            .chain(kept)
            .filter(|(key, value)| rum || !tells_of_client(key, value));
        compose(members, MAX_TRACE_STATE_SENT)
    }

    pub(super) fn rum_members(&self) -> String {
        let rum = members(self.came_in).filter(|(key, _)| is_rum_key(key));
        compose(rum, MAX_TRACE_STATE_SENT)
    }

    fn came_in_unchanged(&self, (key, value): (&str, &str)) -> bool {
        members(self.came_in).find(|(found, _)| *found == key) == Some((key, value))
    }

    /// An SDK that keeps no trace state at all has taken nothing out. But what `ot` says
    /// of sampling does not hold without one: it may have been all there was, and a
    /// sampler have taken it out.
    fn sdk_has_lost(&self, key: &str) -> bool {
        key != OT && self.sdk.into_iter().len() == 0
    }
}

/// OpenTelemetry's member, which samplers write.
const OT: &str = "ot";

/// The RUM members, and an `ot=…rv:…`, which may be the session's: it is the same in all
/// its traces, and whoever guesses the session can tell. Without it the threshold that is
/// beside it means nothing.
fn tells_of_client(key: &str, value: &str) -> bool {
    is_rum_key(key) || key == OT && value.split(';').any(|part| part.starts_with("rv:"))
}
