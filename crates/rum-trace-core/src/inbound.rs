//! What of the incoming request travels on in the OpenTelemetry context.

use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry::trace::TraceState as SdkTraceState;
use rum_trace_propagation::{SpanId, TraceFlags, TraceId};

use crate::onward::Endpoint;
use crate::{Carrier, RumContext, trace_state};

/// Our own value in a request's [`Context`](opentelemetry::Context).
///
/// The SDK cannot keep these: it clears an unsampled span's flags, and its
/// trace state refuses keys that Level 2 allows. Injection writes from here.
#[derive(Debug)]
pub(crate) struct Inbound {
    /// With the legal W3C list that came in with the trace; without one, with the RUM
    /// members alone.
    pub(crate) rum: RumContext,
    pub(crate) origin: Origin,
}

/// Where the request's trace comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// From the caller.
    Caller(InboundTrace),
    /// No carrier of ours could be continued.
    Elsewhere,
    /// The client is not trusted: what it tells of itself may not be told to the next
    /// service either.
    Untrusted,
}

impl Inbound {
    /// The context's client is trusted, or there is none.
    pub(crate) fn is_trusted_in(cx: &Context) -> bool {
        let inbound = cx.get::<Inbound>();
        inbound.is_none_or(|inbound| !matches!(inbound.origin, Origin::Untrusted))
    }

    pub(crate) fn trace(&self) -> Option<&InboundTrace> {
        match &self.origin {
            Origin::Caller(trace) => Some(trace),
            Origin::Elsewhere | Origin::Untrusted => None,
        }
    }

    /// The list as the span's own trace state.
    pub(crate) fn trace_state(&self) -> SdkTraceState {
        match self.list_in_span() {
            Some((list, with_rum)) => trace_state::to_sdk(list, with_rum),
            None => SdkTraceState::NONE,
        }
    }

    /// The list that may be in the span, and whether its RUM members may.
    pub(crate) fn list_in_span(&self) -> Option<(&str, bool)> {
        let trace = self.trace().filter(|trace| trace.has_list)?;
        Some((self.rum.list(), trace.rum_in_trace_state))
    }
}

/// The trace that came in.
#[derive(Debug)]
pub(crate) struct InboundTrace {
    pub(crate) carrier: Carrier,
    /// The list that came in is this trace's.
    pub(crate) has_list: bool,
    /// The RUM members may be in the span's own trace state.
    pub(crate) rum_in_trace_state: bool,
    pub(crate) trace_id: TraceId,
    /// The caller's span.
    pub(crate) span_id: SpanId,
    /// The text of the trace id, if it came in an `sw8`.
    pub(crate) sw8_trace_id: Option<Box<str>>,
    pub(crate) flags: TraceFlags,
    /// What `sw8` tells the next service of the request, if it came with one: known later
    /// than the rest, and not worth a context of its own.
    pub(crate) endpoint: OnceLock<Endpoint>,
}
