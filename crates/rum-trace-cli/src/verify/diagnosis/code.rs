//! The diagnoses there are.

/// What stands between, by its name in the JSON. In the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Code {
    Unreachable,
    NoResponse,
    CannotTell,
    StripsEverything,
    LosesTraces,
    StripsTraceparent,
    StripsTracestate,
    StripsSw8,
    StripsB3,
    StripsJaeger,
    StripsBaggage,
    RewritesTrace,
    RewritesSpan,
    DoublesTraceparent,
    OverrulesCarrier,
    ChangesSampling,
    DropsTracestateLines,
    ShortensTracestate,
    ChangesTracestate,
    ChangesSw8,
    ChangesB3,
    ChangesJaeger,
    ChangesBaggage,
    RefusesLongHeaders,
    NotTrusted,
    NotRead,
    GatewaySpans,
    FoldsTracestate,
    BeginsTraces,
    NotSampled,
    Skipped,
    NoAnswer,
    SomeUnknown,
    Passes,
}

/// How much it matters. The worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Something did not arrive.
    Lost,
    /// Nothing can be said.
    Unknown,
    /// Good to know.
    Note,
    /// All arrived.
    Well,
}

impl Code {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Code::Unreachable => "unreachable",
            Code::NoResponse => "no_response",
            Code::CannotTell => "cannot_tell",
            Code::StripsEverything => "strips_everything",
            Code::LosesTraces => "loses_traces",
            Code::StripsTraceparent => "strips_traceparent",
            Code::StripsTracestate => "strips_tracestate",
            Code::StripsSw8 => "strips_sw8",
            Code::StripsB3 => "strips_b3",
            Code::StripsJaeger => "strips_jaeger",
            Code::StripsBaggage => "strips_baggage",
            Code::RewritesTrace => "rewrites_trace",
            Code::RewritesSpan => "rewrites_span",
            Code::DoublesTraceparent => "doubles_traceparent",
            Code::OverrulesCarrier => "overrules_carrier",
            Code::ChangesSampling => "changes_sampling",
            Code::DropsTracestateLines => "drops_tracestate_lines",
            Code::ShortensTracestate => "shortens_tracestate",
            Code::ChangesTracestate => "changes_tracestate",
            Code::ChangesSw8 => "changes_sw8",
            Code::ChangesB3 => "changes_b3",
            Code::ChangesJaeger => "changes_jaeger",
            Code::ChangesBaggage => "changes_baggage",
            Code::RefusesLongHeaders => "refuses_long_headers",
            Code::NotTrusted => "not_trusted",
            Code::NotRead => "not_read",
            Code::GatewaySpans => "gateway_spans",
            Code::FoldsTracestate => "folds_tracestate",
            Code::BeginsTraces => "begins_traces",
            Code::NotSampled => "not_sampled",
            Code::Skipped => "skipped",
            Code::NoAnswer => "no_answer",
            Code::SomeUnknown => "some_unknown",
            Code::Passes => "passes",
        }
    }

    pub(crate) const fn severity(self) -> Severity {
        match self {
            Code::Unreachable | Code::NoResponse | Code::CannotTell | Code::SomeUnknown => {
                Severity::Unknown
            }
            Code::GatewaySpans
            | Code::FoldsTracestate
            | Code::BeginsTraces
            | Code::NotSampled
            | Code::Skipped
            | Code::NoAnswer => Severity::Note,
            Code::Passes => Severity::Well,
            _ => Severity::Lost,
        }
    }
}

impl Severity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Severity::Lost => "lost",
            Severity::Unknown => "unknown",
            Severity::Note => "note",
            Severity::Well => "well",
        }
    }
}
