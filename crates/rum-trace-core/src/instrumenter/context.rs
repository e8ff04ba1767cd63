//! The context that a request is served in, but for its span: what its headers say.

use std::borrow::Cow;
use std::sync::OnceLock;

use opentelemetry::Context;

use super::{Arrival, Inner};
use crate::diagnosis::CarrierClass;
use crate::extract::{Extraction, ListFate, Remote};
use crate::fallback::Source;
use crate::headers::TraceHeaders;
use crate::inbound::{Inbound, InboundTrace, Origin};
use crate::limits;
use crate::privacy::Hiding;
use crate::trace_state;
use crate::tracer::NewSpan;
use crate::{Carrier, RumContext};

impl Inner {
    /// What of the request must not be seen, if anything is hidden at all.
    pub(crate) fn hiding<'a>(&'a self, headers: &TraceHeaders<'a>) -> Option<Hiding<'a>> {
        let hiding = Hiding::of(self.privacy.as_ref()?, headers);
        self.counters.over_limit(hiding.over_limit());
        Some(hiding)
    }

    pub(crate) fn rum_context(
        &self,
        headers: &TraceHeaders<'_>,
        extraction: &mut Extraction,
        hiding: Option<&Hiding<'_>>,
    ) -> RumContext {
        let (list, fate) = extraction.carried_list(headers);
        if fate != ListFate::Kept {
            self.counters.tracestate_refused();
            extraction.note_list(fate);
        }
        let list = match hiding {
            Some(hiding) => hiding.list(list.as_str()),
            None => Cow::Borrowed(list.as_str()),
        };
        let (rum, over_limit) = RumContext::from_wire(
            headers.tracestate.iter(),
            self.baggage_lines(headers),
            extraction.sw8.as_ref(),
            &list,
            hiding,
        );
        // A longer list is cut where it goes on.
        let too_long = u32::from(rum.list().len() > limits::MAX_TRACE_STATE_SENT);
        self.counters.over_limit(over_limit + too_long);
        if extraction.parent_is(Carrier::W3c) && rum.is_empty() {
            extraction.note_no_rum();
        }
        rum
    }

    /// Baggage over W3C's own limit is not read at all.
    fn baggage_lines<'h, 'a>(
        &self,
        headers: &'h TraceHeaders<'a>,
    ) -> impl Iterator<Item = &'a [u8]> + use<'h, 'a> {
        let within = !headers.has_too_much_baggage();
        self.counters.over_limit(u32::from(!within));
        headers.baggage.iter().filter(move |_| within)
    }

    /// The context that holds what goes with the caller's span, but not yet the
    /// span itself. Baggage is in it already. What became of the caller's trace is then
    /// in the extraction.
    pub(crate) fn base_context(
        &self,
        base: Context,
        source: Source<'_>,
        extraction: &mut Extraction,
        rum: RumContext,
        hiding: Option<&Hiding<'_>>,
    ) -> Context {
        let Some(parent) = extraction.parent else {
            return self.fallback_context(base, source, extraction, rum, hiding);
        };
        self.continued_context(&base, parent, extraction, rum)
    }

    /// With a parent that a carrier of ours names. Inlined, what it makes is written
    /// where it stays.
    #[inline(always)]
    pub(crate) fn continued_context(
        &self,
        base: &Context,
        parent: Remote,
        extraction: &mut Extraction,
        rum: RumContext,
    ) -> Context {
        extraction.class = CarrierClass::Continued(parent.carrier);
        base.with_value(Inbound {
            rum,
            origin: Origin::Caller(InboundTrace {
                carrier: parent.carrier,
                has_list: extraction.has_list(),
                rum_in_trace_state: self.rum_in_trace_state,
                sw8_trace_id: extraction.sw8_trace_id(),
                trace_id: parent.trace_id,
                span_id: parent.span_id,
                flags: parent.flags,
                endpoint: OnceLock::new(),
            }),
        })
    }

    /// With what the next service is told of this one, if that may be by `sw8`.
    pub(super) fn with_endpoint(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
    ) -> Option<Context> {
        let came_by_sw8 = extraction.parent_is(Carrier::Sw8);
        if !came_by_sw8 && !self.onward.speaks_sw8() {
            return None;
        }
        let (endpoint, cut) = arrival.endpoint();
        self.counters.over_limit(u32::from(cut));
        // The trace is this request's own then, and nobody else has the context yet.
        let inbound = base.get::<Inbound>().filter(|_| came_by_sw8);
        match inbound.and_then(Inbound::trace) {
            Some(trace) => {
                trace.endpoint.get_or_init(|| endpoint);
                None
            }
            None => Some(base.with_value(endpoint)),
        }
    }

    /// The context in which the caller's span is active.
    pub(crate) fn caller(&self, base: &Context, extraction: &Extraction) -> Context {
        let span = NewSpan {
            base,
            remote: extraction.parent.as_ref(),
            asked: None,
            describe: &mut |_| {},
        };
        span.parent()
    }

    /// No carrier of ours: the user's propagator, or a new trace.
    #[inline(never)]
    fn fallback_context(
        &self,
        base: Context,
        source: Source<'_>,
        extraction: &mut Extraction,
        rum: RumContext,
        hiding: Option<&Hiding<'_>>,
    ) -> Context {
        let found = self.found_by_fallback(source, &base, hiding);
        self.context_without_carrier(base, found, source, extraction, rum)
    }

    /// The context that the user's propagator finds, if there is one and it does.
    #[inline(always)]
    pub(crate) fn found_by_fallback(
        &self,
        source: Source<'_>,
        base: &Context,
        hiding: Option<&Hiding<'_>>,
    ) -> Option<Context> {
        let found = source.extract(self.fallback.as_deref()?, base)?;
        let found = match self.rum_in_trace_state {
            true => found,
            false => trace_state::without_rum_members(found),
        };
        Some(match hiding {
            Some(hiding) => hiding.context(found),
            None => found,
        })
    }

    #[inline(always)]
    pub(crate) fn context_without_carrier(
        &self,
        base: Context,
        found: Option<Context>,
        source: Source<'_>,
        extraction: &mut Extraction,
        rum: RumContext,
    ) -> Context {
        extraction.class = match (&found, extraction.refused) {
            (Some(_), _) => CarrierClass::Continued(Carrier::Propagator),
            (None, Some(carrier)) => CarrierClass::Malformed(carrier),
            (None, None) => CarrierClass::Absent,
        };
        // A request served inside of another must not take over its client. But a
        // message that tells nothing leaves the context as it is.
        let clear = source.is_request() || found.is_some();
        let cx = found.unwrap_or(base);
        if rum.is_empty() && !(clear && cx.get::<Inbound>().is_some()) {
            return cx;
        }
        cx.with_value(Inbound {
            rum,
            origin: Origin::Elsewhere,
        })
    }
}
