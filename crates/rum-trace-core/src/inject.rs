//! The trace, written into an outgoing request.

use opentelemetry::Context;
use opentelemetry::propagation::Injector;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState as SdkTraceState};
use rum_trace_propagation::tracestate::{compose, is_legal_member};
use rum_trace_propagation::{SpanId, TraceFlags, TraceId, TraceParent};

use crate::inbound::{Inbound, InboundTrace};
use crate::limits::MAX_TRACE_STATE_SENT;
use crate::trace_state::{is_rum_key, members, sdk_takes};

/// Writes the active trace into an outgoing request as W3C Trace Context.
///
/// The members of the `tracestate` list that came in keep their order and
/// text; a member that this service added or changed goes to the left (W3C
/// Trace Context Level 2, §3.3.1.4). The random flag is carried on, also
/// through a span that is not sampled.
///
/// The RUM members name a session and a user, so they only go to services
/// that are said to be one's own:
///
/// ```
/// use std::collections::HashMap;
/// use opentelemetry::Context;
/// use rum_trace_core::Injection;
///
/// let mut headers: HashMap<String, String> = HashMap::new();
/// Injection::to_own_service().inject(&Context::current(), &mut headers);
/// assert!(headers.is_empty()); // no trace is active here
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Injection {
    rum: bool,
}

impl Injection {
    /// To a service of one's own: with the RUM members.
    pub const fn to_own_service() -> Self {
        Injection { rum: true }
    }

    /// To anybody else: the trace, without the RUM members.
    pub const fn to_third_party() -> Self {
        Injection { rum: false }
    }

    /// Writes `traceparent`, and `tracestate` if there is a list, for the span
    /// that is active in `cx`. Writes nothing if none is.
    ///
    /// It can only set headers: where the carrier may hold those of an earlier
    /// request, as in a proxy, take `traceparent` and `tracestate` out first.
    pub fn inject(&self, cx: &Context, carrier: &mut dyn Injector) {
        let span = cx.span();
        let inbound = cx
            .get::<Inbound>()
            .and_then(|inbound| Some((inbound.trace.as_ref()?, inbound.rum.list())));
        let Some(outgoing) = Outgoing::new(span.span_context(), inbound) else {
            return;
        };
        carrier.set("traceparent", outgoing.parent.to_string());
        let list = outgoing.list(self.rum);
        if !list.is_empty() {
            carrier.set("tracestate", list);
        }
    }
}

struct Outgoing<'a> {
    parent: TraceParent,
    sdk: &'a SdkTraceState,
    /// The list that came in with the trace that goes out.
    came_in: &'a str,
}

impl<'a> Outgoing<'a> {
    /// Nothing, if the span context is not valid.
    fn new(span: &'a SpanContext, inbound: Option<(&'a InboundTrace, &'a str)>) -> Option<Self> {
        let trace_id = TraceId::from_bytes(span.trace_id().to_bytes())?;
        let span_id = SpanId::from_bytes(span.span_id().to_bytes())?;
        // Code in between may have started a trace of its own.
        let inbound = inbound.filter(|(inbound, _)| inbound.trace_id == trace_id);
        let mut flags = TraceFlags::from_bits(span.trace_flags().to_u8());
        if let Some((inbound, _)) = &inbound {
            flags = flags.with_random(inbound.flags.is_random());
        }
        Some(Outgoing {
            parent: TraceParent::new(trace_id, span_id, flags),
            sdk: span.trace_state(),
            came_in: inbound.map(|(_, list)| list).unwrap_or_default(),
        })
    }

    fn list(&self, rum: bool) -> String {
        let added = self
            .sdk
            .into_iter()
            .filter(|member| !self.came_in_unchanged(*member));
        // What the SDK's state could hold and no longer does was taken out.
        let kept = members(self.came_in).filter(|(key, value)| match self.sdk.get(key) {
            Some(current) => current == *value,
            None => is_rum_key(key) || self.sdk_is_empty() || !sdk_takes(key, value),
        });
        let members = added
            .filter(|(key, value)| is_legal_member(key, value))
            .chain(kept)
            .filter(|(key, _)| rum || !is_rum_key(key));
        compose(members, MAX_TRACE_STATE_SENT)
    }

    fn came_in_unchanged(&self, (key, value): (&str, &str)) -> bool {
        members(self.came_in).find(|(found, _)| *found == key) == Some((key, value))
    }

    /// An SDK that keeps no trace state at all has taken nothing out.
    fn sdk_is_empty(&self) -> bool {
        self.sdk.into_iter().len() == 0
    }
}
