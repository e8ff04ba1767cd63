//! What else there is to be found in the headers of a request.

use std::fmt;

use rum_trace_propagation::b3::B3Part;
use rum_trace_propagation::jaeger::UberTraceIdPart;
use rum_trace_propagation::sw8::Sw8Part;
use rum_trace_propagation::traceparent::TraceParentPart;
use rum_trace_propagation::tracestate::TraceStatePart;

use crate::Carrier;

/// What was found in a request's headers beside its [class](crate::CarrierClass). A
/// request may have several, and can be continued all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finding {
    /// More than one `traceparent`: by W3C Trace Context none of them is valid.
    SeveralTraceParents,
    /// A `tracestate`, and no header that names the caller's span.
    TraceStateWithoutCarrier,
    /// The trace goes on from a `traceparent`, and nothing tells of app, session or
    /// user.
    TraceParentWithoutRum,
    /// The trace goes on, and two carriers name different spans: the one that goes
    /// first is the parent, and the other a link.
    CarriersDisagree,
    /// An `sw8` by an agent that does not record the trace: it names no span.
    NotRecording,
    /// A value was over a limit, and was cut or not read.
    OverLimit,
    /// No header that names the caller's span, where a client is
    /// [expected](crate::InstrumenterBuilder::expect_trace_at) to send one.
    StrippedOnTheWay,
    /// A `tracestate` beside a valid `traceparent` that may not be carried on.
    MalformedTraceState(TraceStatePart),
    /// A header that names the caller's span, and that its parser refused.
    Malformed(MalformedPart),
}

/// Which part of which header a parser refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MalformedPart {
    /// Of `traceparent`.
    TraceParent(TraceParentPart),
    /// Of `sw8`.
    Sw8(Sw8Part),
    /// Of `b3` or `x-b3-*`.
    B3(B3Part),
    /// Of `uber-trace-id`.
    UberTraceId(UberTraceIdPart),
}

/// The findings that have no part.
const WITHOUT_PART: [Finding; 7] = [
    Finding::SeveralTraceParents,
    Finding::TraceStateWithoutCarrier,
    Finding::TraceParentWithoutRum,
    Finding::CarriersDisagree,
    Finding::NotRecording,
    Finding::OverLimit,
    Finding::StrippedOnTheWay,
];

// Where the indices of those that have one begin.
const TRACESTATE: usize = WITHOUT_PART.len();
const TRACEPARENT: usize = TRACESTATE + TraceStatePart::ALL.len();
const SW8: usize = TRACEPARENT + TraceParentPart::ALL.len();
const B3: usize = SW8 + Sw8Part::ALL.len();
const UBER_TRACE_ID: usize = B3 + B3Part::ALL.len();

impl Finding {
    pub(crate) const COUNT: usize = UBER_TRACE_ID + UberTraceIdPart::ALL.len();

    /// A short name in lower case, fit for a metric label: `malformed`,
    /// `several_traceparents`, ….
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Finding::SeveralTraceParents => "several_traceparents",
            Finding::TraceStateWithoutCarrier => "tracestate_without_carrier",
            Finding::TraceParentWithoutRum => "traceparent_without_rum",
            Finding::CarriersDisagree => "carriers_disagree",
            Finding::NotRecording => "not_recording",
            Finding::OverLimit => "over_limit",
            Finding::StrippedOnTheWay => "stripped_on_the_way",
            Finding::MalformedTraceState(_) => "malformed_tracestate",
            Finding::Malformed(_) => "malformed",
        }
    }

    /// The carrier that it is about, if it is about one.
    #[must_use]
    pub const fn carrier(self) -> Option<Carrier> {
        match self {
            Finding::SeveralTraceParents
            | Finding::TraceStateWithoutCarrier
            | Finding::TraceParentWithoutRum
            | Finding::MalformedTraceState(_) => Some(Carrier::W3c),
            Finding::NotRecording => Some(Carrier::Sw8),
            Finding::Malformed(part) => Some(part.carrier()),
            Finding::CarriersDisagree | Finding::OverLimit | Finding::StrippedOnTheWay => None,
        }
    }

    /// The part of the header, as its specification calls it, where a parser
    /// refused one.
    #[must_use]
    pub const fn part(self) -> Option<&'static str> {
        match self {
            Finding::MalformedTraceState(part) => Some(part.as_str()),
            Finding::Malformed(part) => Some(part.as_str()),
            _ => None,
        }
    }

    /// The carrier, if this is one that its parser refused.
    pub(crate) const fn refused(self) -> Option<Carrier> {
        match self {
            Finding::SeveralTraceParents => Some(Carrier::W3c),
            Finding::Malformed(part) => Some(part.carrier()),
            _ => None,
        }
    }

    /// All of them, in the order of their indices.
    pub(crate) fn all() -> impl Iterator<Item = Finding> {
        let of_tracestate = TraceStatePart::ALL.iter().copied();
        let of_traceparent = TraceParentPart::ALL.iter().copied();
        let of_sw8 = Sw8Part::ALL.iter().copied();
        let of_b3 = B3Part::ALL.iter().copied();
        let of_uber_trace_id = UberTraceIdPart::ALL.iter().copied();
        let parts = of_traceparent
            .map(MalformedPart::TraceParent)
            .chain(of_sw8.map(MalformedPart::Sw8))
            .chain(of_b3.map(MalformedPart::B3))
            .chain(of_uber_trace_id.map(MalformedPart::UberTraceId));
        WITHOUT_PART
            .into_iter()
            .chain(of_tracestate.map(Finding::MalformedTraceState))
            .chain(parts.map(Finding::Malformed))
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Finding::SeveralTraceParents => 0,
            Finding::TraceStateWithoutCarrier => 1,
            Finding::TraceParentWithoutRum => 2,
            Finding::CarriersDisagree => 3,
            Finding::NotRecording => 4,
            Finding::OverLimit => 5,
            Finding::StrippedOnTheWay => 6,
            Finding::MalformedTraceState(part) => TRACESTATE + part as usize,
            Finding::Malformed(MalformedPart::TraceParent(part)) => TRACEPARENT + part as usize,
            Finding::Malformed(MalformedPart::Sw8(part)) => SW8 + part as usize,
            Finding::Malformed(MalformedPart::B3(part)) => B3 + part as usize,
            Finding::Malformed(MalformedPart::UberTraceId(part)) => UBER_TRACE_ID + part as usize,
        }
    }
}

impl MalformedPart {
    /// The carrier that the header belongs to.
    #[must_use]
    pub const fn carrier(self) -> Carrier {
        match self {
            MalformedPart::TraceParent(_) => Carrier::W3c,
            MalformedPart::Sw8(_) => Carrier::Sw8,
            MalformedPart::B3(_) => Carrier::B3,
            MalformedPart::UberTraceId(_) => Carrier::Jaeger,
        }
    }

    /// The part, as the header's specification calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            MalformedPart::TraceParent(part) => part.as_str(),
            MalformedPart::Sw8(part) => part.as_str(),
            MalformedPart::B3(part) => part.as_str(),
            MalformedPart::UberTraceId(part) => part.as_str(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.carrier(), self.part()) {
            (Some(carrier), Some(part)) => write!(f, "{}: {carrier}, {part}", self.as_str()),
            _ => f.write_str(self.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_index() {
        let indices: Vec<usize> = Finding::all().map(Finding::index).collect();
        let expected: Vec<usize> = (0..Finding::COUNT).collect();
        assert_eq!(indices, expected);
    }

    #[test]
    fn each_is_told_apart_by_its_labels() {
        let labels = |finding: Finding| (finding.as_str(), finding.carrier(), finding.part());
        let distinct: std::collections::HashSet<_> = Finding::all().map(labels).collect();
        assert_eq!(distinct.len(), Finding::COUNT);
    }
}
