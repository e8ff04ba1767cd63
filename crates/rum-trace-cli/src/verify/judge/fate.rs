//! What became of one header.

use std::fmt;

use super::super::diagnosis::Code;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrived,
    /// Several lines as one: HTTP lets a proxy do so.
    Folded {
        lines: usize,
    },
    /// What it tells of app, session and user is known: by spans no more is seen of it.
    Told,
    /// With more than was sent.
    Extended,
    Missing,
    /// Some of its lines.
    LinesLost {
        arrived: usize,
        sent: usize,
    },
    /// Some members of its list.
    MembersLost {
        arrived: usize,
        sent: usize,
    },
    /// Its begin, in bytes.
    Shortened {
        arrived: usize,
        sent: usize,
    },
    Changed,
    /// A `traceparent` with another trace id.
    OtherTrace,
    /// One with this trace id, and another span.
    OtherSpan,
    /// The same ids, and another decision on sampling.
    OtherFlags {
        sampled: bool,
    },
    /// A second one beside it.
    Doubled,
    /// It cannot be told by this way.
    Unknown,
}

impl Fate {
    pub(crate) const fn is_whole(self) -> bool {
        matches!(
            self,
            Fate::Arrived | Fate::Folded { .. } | Fate::Told | Fate::Extended | Fate::Unknown
        )
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Fate::Arrived => "arrived",
            Fate::Folded { .. } => "folded",
            Fate::Told => "told",
            Fate::Extended => "extended",
            Fate::Missing => "missing",
            Fate::LinesLost { .. } => "lines_lost",
            Fate::MembersLost { .. } => "members_lost",
            Fate::Shortened { .. } => "shortened",
            Fate::Changed => "changed",
            Fate::OtherTrace => "other_trace",
            Fate::OtherSpan => "other_span",
            Fate::OtherFlags { .. } => "other_flags",
            Fate::Doubled => "doubled",
            Fate::Unknown => "unknown",
        }
    }

    /// What it says of who stands between.
    pub(super) fn code(self, name: &str) -> Option<Code> {
        Some(match (self, name) {
            (Fate::Missing, "traceparent") => Code::StripsTraceparent,
            (Fate::Missing, "tracestate") => Code::StripsTracestate,
            (Fate::Missing, "baggage") => Code::StripsBaggage,
            (Fate::Missing, "sw8") => Code::StripsSw8,
            (Fate::Missing, "uber-trace-id") => Code::StripsJaeger,
            (Fate::Missing, _) => Code::StripsB3,
            (Fate::Folded { .. }, _) => Code::FoldsTracestate,
            (Fate::LinesLost { .. }, _) => Code::DropsTracestateLines,
            (Fate::Shortened { .. } | Fate::MembersLost { .. }, "tracestate") => {
                Code::ShortensTracestate
            }
            (Fate::OtherTrace, _) => Code::RewritesTrace,
            (Fate::OtherSpan, _) => Code::RewritesSpan,
            (Fate::OtherFlags { .. }, _) => Code::ChangesSampling,
            (Fate::Doubled, _) => Code::DoublesTraceparent,
            (Fate::Changed, "traceparent") => Code::RewritesTrace,
            (Fate::Changed, "tracestate") => Code::ChangesTracestate,
            (Fate::Changed | Fate::Shortened { .. } | Fate::MembersLost { .. }, "baggage") => {
                Code::ChangesBaggage
            }
            (Fate::Changed | Fate::Shortened { .. } | Fate::MembersLost { .. }, "sw8") => {
                Code::ChangesSw8
            }
            (
                Fate::Changed | Fate::Shortened { .. } | Fate::MembersLost { .. },
                "uber-trace-id",
            ) => Code::ChangesJaeger,
            (Fate::Changed | Fate::Shortened { .. } | Fate::MembersLost { .. }, _) => {
                Code::ChangesB3
            }
            (Fate::Arrived | Fate::Told | Fate::Extended | Fate::Unknown, _) => return None,
        })
    }
}

/// As a line of the report has it, behind the header's name.
impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Arrived => f.write_str("arrived"),
            Fate::Folded { lines } => write!(f, "arrived, {lines} lines as one"),
            Fate::Told => f.write_str("arrived, as its fields tell"),
            Fate::Extended => f.write_str("arrived, with more beside it"),
            Fate::Missing => f.write_str("did not arrive"),
            Fate::LinesLost { arrived, sent } => write!(f, "{arrived} of {sent} lines arrived"),
            Fate::MembersLost { arrived, sent } => {
                write!(f, "{arrived} of {sent} members arrived")
            }
            Fate::Shortened { arrived, sent } => write!(f, "{arrived} of {sent} bytes arrived"),
            Fate::Changed => f.write_str("arrived as something else"),
            Fate::OtherTrace => f.write_str("arrived with another trace id"),
            Fate::OtherSpan => f.write_str("arrived with another span id"),
            Fate::OtherFlags { sampled: true } => f.write_str("arrived as sampled"),
            Fate::OtherFlags { sampled: false } => f.write_str("arrived as not sampled"),
            Fate::Doubled => f.write_str("arrived beside a second one"),
            Fate::Unknown => f.write_str("cannot be told"),
        }
    }
}
