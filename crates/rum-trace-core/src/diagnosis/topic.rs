//! What is written to the log about each kind of finding, and what to do about it.

use tracing::{error, info, warn};

use super::{Finding, MalformedPart};

/// What the log writes about. None of it holds anything that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Found(Finding),
    /// A request without any of what the carriers send.
    Absent,
    /// A request whose sender is not believed.
    Untrusted,
    /// The global tracer provider gives spans that are none.
    NoTracerProvider,
    /// A request that is being served comes in once more.
    AppliedTwice,
}

/// What a line says.
struct Text {
    level: Level,
    message: &'static str,
    hint: &'static str,
}

#[derive(Clone, Copy)]
enum Level {
    Error,
    Warn,
    Info,
}

impl Topic {
    pub(crate) const COUNT: usize = Finding::COUNT + 4;

    pub(crate) const fn index(self) -> usize {
        match self {
            Topic::Found(finding) => finding.index(),
            Topic::Absent => Finding::COUNT,
            Topic::Untrusted => Finding::COUNT + 1,
            Topic::NoTracerProvider => Finding::COUNT + 2,
            Topic::AppliedTwice => Finding::COUNT + 3,
        }
    }

    /// Settings do not mend themselves while the service runs.
    pub(crate) const fn is_said_once(self) -> bool {
        matches!(self, Topic::NoTracerProvider | Topic::AppliedTwice)
    }

    /// Many a service sees it with nearly every request, and nothing is wrong.
    pub(crate) const fn is_usual(self) -> bool {
        matches!(
            self,
            Topic::Absent
                | Topic::Untrusted
                | Topic::Found(Finding::TraceParentWithoutRum | Finding::NotRecording)
        )
    }

    const fn name(self) -> &'static str {
        match self {
            Topic::Found(finding) => finding.as_str(),
            Topic::Absent => "absent",
            Topic::Untrusted => "untrusted",
            Topic::NoTracerProvider => "no_tracer_provider",
            Topic::AppliedTwice => "applied_twice",
        }
    }

    /// Writes the line. It stands for itself: in no span, of the request's or of
    /// whatever runs around it, so that nothing comes of it but the line.
    pub(crate) fn write(self, times: u64) {
        let Text {
            level,
            message,
            hint,
        } = self.text();
        let kind = self.name();
        let (carrier, part) = match self {
            Topic::Found(finding) => (finding.carrier(), finding.part()),
            _ => (None, None),
        };
        let carrier = carrier.map(crate::Carrier::as_str);
        macro_rules! write {
            ($macro:ident) => {
                $macro!(target: "rum_trace", parent: None, kind, carrier, part, times, hint, "{message}")
            };
        }
        match level {
            Level::Error => write!(error),
            Level::Warn => write!(warn),
            Level::Info => write!(info),
        }
    }

    fn text(self) -> Text {
        match self {
            Topic::Found(finding) => of_finding(finding),
            Topic::Absent => Text {
                level: Level::Info,
                message: "a request names no caller's span: it starts a new trace",
                hint: "expected of health checks (skip_health_checks) and strangers; where your own \
                       clients call, name it with expect_trace_at or expect_trace_from_user_agent",
            },
            Topic::Untrusted => Text {
                level: Level::Info,
                message: "the sender of a request is not trusted: it starts a new trace",
                hint: "if it should be, add it to the trust policy",
            },
            Topic::NoTracerProvider => Text {
                level: Level::Error,
                message: "OpenTelemetry's global tracer provider makes no spans: nothing is recorded",
                hint: "install a pipeline, or call opentelemetry::global::set_tracer_provider, \
                       before the first request; if that is done, there are two versions of \
                       OpenTelemetry and it was done with the other one: `cargo tree -d` lists them, \
                       and rum_trace::opentelemetry is the one that is used here",
            },
            Topic::AppliedTwice => Text {
                level: Level::Warn,
                message: "a request that is being served comes in once more, with the same caller: \
                          it has two SERVER spans",
                hint: "the layer is applied twice, most often to a router and to one that is nested \
                       in it: take one of them away; where the service hands the request on to \
                       itself, let it inject its own trace",
            },
        }
    }
}

fn of_finding(finding: Finding) -> Text {
    match finding {
        Finding::SeveralTraceParents => warn(
            "a request has several traceparent headers, so that none is valid",
            "something on the way adds one in place of replacing it: a gateway or a sidecar with \
             tracing of its own",
        ),
        Finding::TraceStateWithoutCarrier => warn(
            "a request has a tracestate, and no header that names the caller's span",
            "something on the way lets tracestate pass and drops traceparent or sw8: add these to \
             its list of allowed headers",
        ),
        Finding::TraceParentWithoutRum => info(
            "a trace goes on, and nothing tells of app, session or user",
            "expected of callers that are no RUM client; else something on the way lets \
             traceparent pass and drops or rewrites tracestate",
        ),
        Finding::CarriersDisagree => warn(
            "two trace headers of a request name different spans: the first is the parent, the \
             other a link",
            "something on the way opens a trace of its own in another format: let it use the \
             client's, or leave a carrier out with `carriers`",
        ),
        Finding::NotRecording => info(
            "an sw8 header names no span: the agent upstream does not record",
            "expected where that agent samples or ignores the path; the request starts a new \
             trace by this service's own sampler",
        ),
        Finding::OverLimit => info(
            "a value that was sent is over a limit: it is cut, or not read",
            "look at what the client sends; docs/SECURITY.md has the limits",
        ),
        Finding::StrippedOnTheWay => warn(
            "a request names no caller's span where a client is expected to: stripped on the way?",
            "look for the header at each hop, from the service outwards: sidecar, ingress, gateway, \
             CDN; then whether the app's list of traced domains has this one, and, for pages of \
             another origin, whether CORS allows the header",
        ),
        Finding::MalformedTraceState(_) => warn(
            "a tracestate cannot be carried on",
            "the RUM fields are read all the same; a user id with , = or characters other than \
             ASCII does it; `rum-trace decode 'tracestate: ...'` shows the place",
        ),
        Finding::Malformed(part) => warn(
            "a trace header cannot be read, and the trace does not go on from it",
            decode(part),
        ),
    }
}

/// How to find out more of a header that was refused.
const fn decode(part: MalformedPart) -> &'static str {
    match part {
        MalformedPart::TraceParent(_) => {
            "`rum-trace decode 'traceparent: ...'` shows the place; look who writes or cuts it"
        }
        MalformedPart::Sw8(_) => {
            "`rum-trace decode 'sw8: ...'` shows the place; look who writes or cuts it"
        }
        MalformedPart::B3(_) => {
            "`rum-trace decode 'b3: ...'` shows the place; look who writes or cuts it"
        }
        MalformedPart::UberTraceId(_) => {
            "`rum-trace decode 'uber-trace-id: ...'` shows the place; look who writes or cuts it"
        }
    }
}

const fn warn(message: &'static str, hint: &'static str) -> Text {
    Text {
        level: Level::Warn,
        message,
        hint,
    }
}

const fn info(message: &'static str, hint: &'static str) -> Text {
    Text {
        level: Level::Info,
        message,
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_index() {
        let others = [
            Topic::Absent,
            Topic::Untrusted,
            Topic::NoTracerProvider,
            Topic::AppliedTwice,
        ];
        let all = Finding::all().map(Topic::Found).chain(others);
        let indices: Vec<usize> = all.map(Topic::index).collect();
        let expected: Vec<usize> = (0..Topic::COUNT).collect();
        assert_eq!(indices, expected);
    }
}
