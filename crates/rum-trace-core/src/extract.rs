//! Which trace a request continues: every carrier's headers parsed, in order.
//!
//! What a usual request does not run is kept apart (`inline(never)`): a request
//! runs through more code than the innermost cache holds, so that what lies
//! between is paid for as well.

use opentelemetry::trace::{Link, SpanContext, TraceContextExt, TraceState as SdkTraceState};
use opentelemetry::{Context, KeyValue};
use rum_trace_propagation::b3::{B3Headers, Sampling};
use rum_trace_propagation::jaeger::UberTraceIdError;
use rum_trace_propagation::sw8;
use rum_trace_propagation::traceparent::TraceParentError;
use rum_trace_propagation::tracestate::{TraceStatePart, compose};
use rum_trace_propagation::{
    B3, SpanId, Sw8, TraceFlags, TraceId, TraceParent, TraceState, UberTraceId,
};

use crate::diagnosis::{CarrierClass, Finding, Findings, MalformedPart};
use crate::headers::TraceHeaders;
use crate::inbound::{Inbound, InboundTrace};
use crate::limits;
use crate::semconv;
use crate::stats::Counters;
use crate::trace_state::is_rum_key;
use crate::{Carrier, Trust};

/// A caller's span, as its headers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) carrier: Carrier,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) flags: TraceFlags,
}

/// What the carriers of one request say.
#[derive(Debug, Default)]
pub(crate) struct Extraction {
    /// The first valid carrier in the order of precedence.
    pub(crate) parent: Option<Remote>,
    /// The other valid carriers that name another span. At most one in
    /// practice, so the vector is nearly always empty and costs nothing.
    pub(crate) others: Vec<Remote>,
    /// The decoded `sw8`, if it is valid, whether it is the parent or not.
    pub(crate) sw8: Option<Sw8>,
    /// The trace of a valid `traceparent`, whether it is the parent or not.
    w3c_trace: Option<TraceId>,
    /// The first carrier whose header was there, and whose parser refused it.
    pub(crate) refused: Option<Carrier>,
    /// What became of the caller's trace, once that is settled.
    pub(crate) class: CarrierClass,
    /// What is claimed is not believed, and this is what becomes of it.
    pub(crate) untrusted: Option<Trust>,
    /// What was found beside the parent.
    found: Findings,
}

/// What becomes of the list that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListFate {
    /// It goes on, or there is none that somebody meant to.
    Kept,
    /// It is the continued trace's, and this part of it is illegal.
    Illegal(TraceStatePart),
    /// No trace is continued that it could be of.
    Orphaned,
}

impl Extraction {
    pub(crate) fn read(headers: &TraceHeaders<'_>, order: &[Carrier]) -> Extraction {
        let mut extraction = Extraction::default();
        for &carrier in order {
            match extraction.parse(carrier, headers) {
                Ok(None) => {}
                Ok(Some(remote)) => extraction.add(remote),
                Err(finding) => extraction.refuse(carrier, finding),
            }
        }
        extraction
    }

    #[cold]
    #[inline(never)]
    fn refuse(&mut self, carrier: Carrier, finding: Finding) {
        self.refused.get_or_insert(carrier);
        self.found.add(finding);
    }

    fn add(&mut self, remote: Remote) {
        match self.parent {
            None => self.parent = Some(remote),
            // The web SDK can send several with the same ids: they agree.
            Some(parent)
                if parent.trace_id == remote.trace_id && parent.span_id == remote.span_id => {}
            Some(_) => self.others.push(remote),
        }
    }

    fn parse(
        &mut self,
        carrier: Carrier,
        headers: &TraceHeaders<'_>,
    ) -> Result<Option<Remote>, Finding> {
        match carrier {
            Carrier::W3c => {
                let remote = w3c(headers)?;
                self.w3c_trace = remote.map(|remote| remote.trace_id);
                Ok(remote)
            }
            Carrier::Sw8 => self.sw8(headers),
            Carrier::B3 => b3(headers),
            Carrier::Jaeger => jaeger(headers),
            Carrier::Propagator => Ok(None),
        }
    }

    fn sw8(&mut self, headers: &TraceHeaders<'_>) -> Result<Option<Remote>, Finding> {
        match headers.sw8.first() {
            Some(value) => self.read_sw8(value),
            None => Ok(None),
        }
    }

    #[inline(never)]
    fn read_sw8(&mut self, value: &[u8]) -> Result<Option<Remote>, Finding> {
        let sw8 = match Sw8::parse(value) {
            Ok(sw8) => sw8,
            // SkyWalking's own agents start a new trace then, and decide anew.
            Err(_) if sw8::is_not_recording(value) => {
                self.found.add(Finding::NotRecording);
                return Ok(None);
            }
            Err(error) => return Err(Finding::Malformed(MalformedPart::Sw8(error.part()))),
        };
        let remote = Remote {
            carrier: Carrier::Sw8,
            trace_id: sw8.otel_trace_id(),
            span_id: sw8.otel_parent_id(),
            flags: TraceFlags::NONE.with_sampled(sw8.sampled()),
        };
        self.sw8 = Some(sw8);
        Ok(Some(remote))
    }

    /// The list that may be carried on: only with a valid `traceparent` of the
    /// trace that is continued, and only if every member is legal. Without one it is
    /// nobody's list, and the RUM members alone go on: Android sends its own beside
    /// `sw8`, and what a client tells of itself outlives a lost `traceparent`.
    pub(crate) fn carried_list<'a>(
        &self,
        headers: &TraceHeaders<'a>,
    ) -> (TraceState<'a>, ListFate) {
        if headers.tracestate.is_empty() {
            return (TraceState::default(), ListFate::Kept);
        }
        let list = TraceState::parse_fields(headers.tracestate.iter());
        if self.has_list() {
            return match list {
                Ok(list) => (list, ListFate::Kept),
                Err(error) => (TraceState::default(), ListFate::Illegal(error.part())),
            };
        }
        let rum = list.map(rum_members).unwrap_or_default();
        let fate = match self.parent {
            Some(_) => ListFate::Kept,
            None => ListFate::Orphaned,
        };
        (rum, fate)
    }

    /// Notes what became of the list.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_list(&mut self, fate: ListFate) {
        match fate {
            ListFate::Illegal(part) => self.found.add(Finding::MalformedTraceState(part)),
            ListFate::Orphaned if self.refused.is_none() => {
                self.found.add(Finding::TraceStateWithoutCarrier);
            }
            ListFate::Orphaned | ListFate::Kept => {}
        }
    }

    /// Notes that a `traceparent` is the parent, and nothing tells of app, session or
    /// user.
    pub(crate) fn note_no_rum(&mut self) {
        self.found.add(Finding::TraceParentWithoutRum);
    }

    /// Whether the parent came by this carrier.
    pub(crate) fn parent_is(&self, carrier: Carrier) -> bool {
        self.parent.is_some_and(|parent| parent.carrier == carrier)
    }

    /// Whether there is anything to be found in [`findings`](Self::findings).
    pub(crate) fn has_findings(&self) -> bool {
        !(self.found.is_empty() && self.others.is_empty())
    }

    /// What was found in all, once it is known what the request came to.
    #[inline(never)]
    pub(crate) fn findings(&self) -> Findings {
        let mut found = self.found;
        if self.class.carrier() == Some(Carrier::Propagator) {
            found.remove(Finding::TraceStateWithoutCarrier);
        }
        // Without a parent they are what somebody claims who is not believed.
        if self.parent.is_some() && !self.others.is_empty() {
            found.add(Finding::CarriersDisagree);
        }
        if self.untrusted.is_some() {
            // It is about a trace that goes on.
            found.remove(Finding::TraceParentWithoutRum);
        }
        found
    }

    /// What was found, without what it was found in.
    pub(crate) fn without_carriers(&self) -> Self {
        Extraction {
            found: self.found,
            ..Extraction::default()
        }
    }

    /// Whether the request is being served already: there is a span of ours around
    /// it, of a request that the same caller's span made.
    pub(crate) fn is_served_in(&self, around: &Context) -> bool {
        // Nearly always nothing is.
        let inbound = around.get::<Inbound>();
        inbound.is_some_and(|inbound| self.is_of(inbound, around))
    }

    #[inline(never)]
    fn is_of(&self, inbound: &Inbound, around: &Context) -> bool {
        let Some(parent) = &self.parent else {
            return false;
        };
        let same = |trace: &InboundTrace| {
            (trace.trace_id, trace.span_id) == (parent.trace_id, parent.span_id)
        };
        // Where a filter kept the outer span out, the caller's is the active one.
        inbound.trace().is_some_and(same) && !around.span().span_context().is_remote()
    }

    /// The list that came in belongs to the trace that is continued.
    pub(crate) fn has_list(&self) -> bool {
        let trace_id = self.parent.map(|parent| parent.trace_id);
        trace_id.is_some() && self.w3c_trace == trace_id
    }

    /// The text of the trace id that is continued, if an `sw8` has it, be that the
    /// parent or beside it: SkyWalking's own backend joins a trace by this text. A
    /// longer one than any agent's would leave an `sw8` that goes out no room: the
    /// digits that it maps to go on in its place.
    #[inline]
    pub(crate) fn sw8_trace_id(&self) -> Option<Box<str>> {
        let (sw8, parent) = (self.sw8.as_ref()?, self.parent?);
        let is_continued = parent.carrier == Carrier::Sw8 || parent.trace_id == sw8.otel_trace_id();
        let text = sw8.trace_id();
        (is_continued && text.len() <= limits::MAX_SW8_NAME).then(|| text.into())
    }

    /// The links for the carriers that did not become the parent.
    #[inline(never)]
    pub(crate) fn links(&self, counters: &Counters) -> Vec<Link> {
        let link = |other| self.link(other, counters);
        self.others.iter().map(link).collect()
    }

    fn link(&self, other: &Remote, counters: &Counters) -> Link {
        let mut attributes = Vec::new();
        if let (Carrier::Sw8, Some(sw8)) = (other.carrier, &self.sw8) {
            let text = |text| {
                let (text, cut) = limits::field(text, limits::MAX_SW8_NAME);
                counters.over_limit(u32::from(cut));
                text.into_owned()
            };
            attributes.extend([
                KeyValue::new(semconv::SW8_TRACE_ID, text(sw8.trace_id())),
                KeyValue::new(semconv::SW8_PARENT_SEGMENT_ID, text(sw8.segment_id())),
                KeyValue::new(semconv::SW8_PARENT_SPAN_ID, i64::from(sw8.span_id())),
            ]);
        }
        if let Some(trust) = self.untrusted {
            let carrier = other.carrier.as_str();
            attributes.push(KeyValue::new(semconv::RUM_TRUST, trust));
            attributes.push(KeyValue::new(semconv::RUM_CARRIER, carrier));
        }
        Link::new(other.span_context(SdkTraceState::NONE), attributes, 0)
    }
}

impl Remote {
    pub(crate) fn otel_trace_id(&self) -> opentelemetry::TraceId {
        opentelemetry::TraceId::from_bytes(self.trace_id.to_bytes())
    }

    pub(crate) fn span_context(&self, trace_state: SdkTraceState) -> SpanContext {
        SpanContext::new(
            self.otel_trace_id(),
            opentelemetry::SpanId::from_bytes(self.span_id.to_bytes()),
            opentelemetry::TraceFlags::new(self.flags.bits()),
            true,
            trace_state,
        )
    }
}

#[inline(never)]
fn rum_members(list: TraceState<'_>) -> TraceState<'_> {
    if list.members().all(|(key, _)| is_rum_key(key)) {
        return list;
    }
    let rum = list.members().filter(|(key, _)| is_rum_key(key));
    let rum = compose(rum, limits::MAX_TRACE_STATE_SENT);
    let rum = TraceState::parse(rum.as_bytes());
    rum.map(TraceState::into_owned).unwrap_or_default()
}

fn w3c(headers: &TraceHeaders<'_>) -> Result<Option<Remote>, Finding> {
    if headers.traceparent.is_empty() {
        return Ok(None);
    }
    read_w3c(headers.traceparent.as_slice()).map(Some)
}

/// W3C Trace Context Level 2, §3.2: a second `traceparent` makes both invalid.
#[inline(never)]
fn read_w3c(lines: &[&[u8]]) -> Result<Remote, Finding> {
    let [value] = lines else {
        return Err(Finding::SeveralTraceParents);
    };
    let refused = |error: TraceParentError| MalformedPart::TraceParent(error.part());
    let parent = TraceParent::parse(value).map_err(|error| Finding::Malformed(refused(error)))?;
    Ok(Remote {
        carrier: Carrier::W3c,
        trace_id: parent.trace_id(),
        span_id: parent.parent_id(),
        flags: parent.flags(),
    })
}

fn b3(headers: &TraceHeaders<'_>) -> Result<Option<Remote>, Finding> {
    let several = !headers.b3_trace_id.is_empty() || !headers.b3_span_id.is_empty();
    if several || !headers.b3.is_empty() {
        read_b3(headers, several)
    } else {
        Ok(None)
    }
}

/// The single header, or the several where it names no span.
#[inline(never)]
fn read_b3(headers: &TraceHeaders<'_>, several: bool) -> Result<Option<Remote>, Finding> {
    let single = headers.b3.first().map(B3::parse_single);
    let names_a_span = |b3: &B3| b3.context().is_some();
    let parsed = match single {
        Some(single) if !several || single.as_ref().is_ok_and(names_a_span) => single,
        _ => B3::parse_multi(B3Headers {
            trace_id: headers.b3_trace_id.first(),
            span_id: headers.b3_span_id.first(),
            sampled: headers.b3_sampled.first(),
            flags: headers.b3_flags.first(),
        }),
    };
    let b3 = parsed.map_err(|error| Finding::Malformed(MalformedPart::B3(error.part())))?;
    // A bare decision names no span to continue.
    Ok(b3.context().map(|(trace_id, span_id)| Remote {
        carrier: Carrier::B3,
        trace_id,
        span_id,
        // `Defer` leaves the decision to us, and OpenTelemetry has no third
        // state: taken as unsampled, every such request would vanish.
        flags: TraceFlags::NONE.with_sampled(!matches!(b3.sampling(), Sampling::Deny)),
    }))
}

fn jaeger(headers: &TraceHeaders<'_>) -> Result<Option<Remote>, Finding> {
    match headers.uber_trace_id.first() {
        Some(value) => read_jaeger(value).map(Some),
        None => Ok(None),
    }
}

#[inline(never)]
fn read_jaeger(value: &[u8]) -> Result<Remote, Finding> {
    let refused = |error: UberTraceIdError| MalformedPart::UberTraceId(error.part());
    let parent = UberTraceId::parse(value).map_err(|error| Finding::Malformed(refused(error)))?;
    Ok(Remote {
        carrier: Carrier::Jaeger,
        trace_id: parent.trace_id(),
        span_id: parent.parent_id(),
        flags: TraceFlags::NONE.with_sampled(parent.sampled() || parent.debug()),
    })
}
