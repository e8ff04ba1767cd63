//! What of the incoming request travels on in the OpenTelemetry context.

use rum_trace_propagation::{TraceFlags, TraceId, TraceState};

use crate::RumContext;

/// Our own value in a request's [`Context`](opentelemetry::Context).
///
/// The SDK cannot keep these: it clears an unsampled span's flags, and its
/// trace state refuses keys that Level 2 allows. Injection writes from here.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) rum: RumContext,
    /// Absent when no carrier could be continued.
    pub(crate) trace: Option<InboundTrace>,
}

/// The trace that came in.
#[derive(Debug)]
pub(crate) struct InboundTrace {
    pub(crate) trace_id: TraceId,
    pub(crate) flags: TraceFlags,
    /// The legal W3C list, RUM members included; empty when none came in.
    pub(crate) list: TraceState<'static>,
}
