//! The trust step of the request path: what is not believed is taken away before
//! anything of it is put into a context or a span.

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use rum_trace_propagation::{SpanId, TraceFlags, TraceId};

use super::caller::Claim;
use super::{Caller, Trust, TrustPolicy};
use crate::baggage::with_baggage;
use crate::diagnosis::CarrierClass;
use crate::extract::{Extraction, Remote};
use crate::fallback::Source;
use crate::forwarded::Forwarding;
use crate::headers::TraceHeaders;
use crate::inbound::{Inbound, Origin};
use crate::instrumenter::Inner;
use crate::privacy::Hiding;
use crate::{Carrier, RumContext};

/// What a request's headers are, and what of them must not be kept.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a, 'h> {
    pub(crate) headers: &'a TraceHeaders<'h>,
    pub(crate) hiding: Option<&'a Hiding<'h>>,
}

impl Inner {
    /// [`base_context`](Inner::base_context) of a request, as far as the policy lets
    /// it say what it says.
    #[inline(never)]
    pub(crate) fn judged_context(
        &self,
        policy: &TrustPolicy,
        forwarding: &Forwarding<'_>,
        around: &Context,
        told: Told<'_, '_>,
        extraction: &mut Extraction,
        rum: RumContext,
    ) -> Context {
        let Told { headers, hiding } = told;
        let base = with_baggage(around.clone(), headers, hiding);
        let source = Source::Request(forwarding.request());
        let found = match extraction.parent {
            Some(_) => None,
            None => self.found_by_fallback(source, &base, hiding),
        };
        let claimed = extraction.parent.or_else(|| of_fallback(found.as_ref()?));
        let trust = if claimed.is_none() && tells_nothing(headers, &rum) {
            // There is nothing to believe.
            Trust::Parent
        } else {
            policy.decide(&Caller::new(forwarding, &rum, claimed.map(Remote::claim)))
        };
        if trust == Trust::Parent {
            return match extraction.parent {
                Some(parent) => self.continued_context(&base, parent, extraction, rum),
                None => self.context_without_carrier(base, found, source, extraction, rum),
            };
        }
        self.counters.untrusted(trust);
        extraction.distrust(trust, claimed);
        untrusted_context(around, trust, rum)
    }
}

fn untrusted_context(around: &Context, trust: Trust, rum: RumContext) -> Context {
    let rum = match trust {
        Trust::Restart => RumContext::default(),
        _ => rum.without_list(),
    };
    let base = without_trace(around);
    if rum.is_empty() && base.get::<Inbound>().is_none() {
        return base;
    }
    base.with_value(Inbound {
        rum,
        origin: Origin::Untrusted,
    })
}

fn tells_nothing(headers: &TraceHeaders<'_>, rum: &RumContext) -> bool {
    let has_baggage = !headers.baggage.is_empty() || !headers.sw8_correlation.is_empty();
    rum.is_empty() && rum.list().is_empty() && !has_baggage
}

/// The span that the user's propagator found.
fn of_fallback(found: &Context) -> Option<Remote> {
    Remote::of_span_context(found.span().span_context())
}

/// The context that a new trace begins in. A span that is active around may be one that
/// somebody else made of the same headers, and a context cannot lose its span: it can
/// only be begun anew. (A span that is none would be a parent that is not sampled to the
/// SDK's sampler.) Baggage can have come in the same way.
fn without_trace(around: &Context) -> Context {
    if !around.has_active_span() {
        return match around.baggage().is_empty() {
            true => around.clone(),
            false => around.with_cleared_baggage(),
        };
    }
    let anew = Context::new();
    match around.is_telemetry_suppressed() {
        true => anew.with_telemetry_suppressed(),
        false => anew,
    }
}

impl Extraction {
    /// Takes away what must not be believed.
    fn distrust(&mut self, trust: Trust, claimed: Option<Remote>) {
        if trust == Trust::Restart {
            *self = self.without_carriers();
        } else {
            self.parent = None;
            self.others.splice(..0, claimed);
        }
        self.untrusted = Some(trust);
        self.class = CarrierClass::Untrusted(claimed.map(|claimed| claimed.carrier));
    }
}

impl Remote {
    fn of_span_context(span: &SpanContext) -> Option<Self> {
        Some(Remote {
            carrier: Carrier::Propagator,
            trace_id: TraceId::from_bytes(span.trace_id().to_bytes())?,
            span_id: SpanId::from_bytes(span.span_id().to_bytes())?,
            flags: TraceFlags::from_bits(span.trace_flags().to_u8()),
        })
    }

    fn claim(self) -> Claim {
        Claim {
            carrier: self.carrier,
            is_sampled: self.flags.is_sampled(),
        }
    }
}
