//! The gateways, and what each lets through.

use crate::nginx::Version;

/// A header line: a name in lower case, and its value.
pub(crate) type Line = (&'static str, String);

/// What stands between the phone and our service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Pass,
    Large,
    StripTracestate,
    StripTraceparent,
    StripAll,
    Variable,
    Fold,
    Rewrite,
    /// The example of this workspace: a part of the trace.
    Ours,
}

/// What nginx takes as one line by default, with the name and the line's end.
const NGINX_LINE: usize = 8 * 1024;

const STRIPPED: [&str; 5] = [
    "traceparent",
    "tracestate",
    "baggage",
    "sw8",
    "sw8-correlation",
];

impl Mode {
    pub(crate) const ALL: [Mode; 9] = [
        Mode::Pass,
        Mode::Large,
        Mode::StripTracestate,
        Mode::StripTraceparent,
        Mode::StripAll,
        Mode::Variable,
        Mode::Fold,
        Mode::Rewrite,
        Mode::Ours,
    ];

    /// The row's name in the cells' names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Pass => "nginx-pass",
            Mode::Large => "nginx-large",
            Mode::StripTracestate => "nginx-strip-tracestate",
            Mode::StripTraceparent => "nginx-strip-traceparent",
            Mode::StripAll => "nginx-strip-all",
            Mode::Variable => "nginx-variable",
            Mode::Fold => "nginx-fold",
            Mode::Rewrite => "nginx-rewrite",
            Mode::Ours => "gateway",
        }
    }

    /// The row's title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Mode::Pass => "nginx as installed",
            Mode::Large => "nginx, larger header buffers",
            Mode::StripTracestate => "nginx, without `tracestate`",
            Mode::StripTraceparent => "nginx, without `traceparent`",
            Mode::StripAll => "nginx, without all of them",
            Mode::Variable => "nginx, `$http_tracestate`",
            Mode::Fold => "nginx, njs that joins lines",
            Mode::Rewrite => "nginx, `traceparent` of its own",
            Mode::Ours => "our gateway example",
        }
    }

    /// What gets through, and what our service makes of it.
    pub(crate) fn arrives(self, version: Version) -> &'static str {
        match self {
            Mode::Pass => {
                "all as sent, several lines as several: continued, with the session; a line over \
                 8 KiB is answered with 400 and reaches nobody"
            }
            Mode::Large => "the same, and lines over 8 KiB too",
            Mode::StripTracestate => {
                "the trace alone: continued without app, session and user, unless `baggage` has \
                 them; of a web page with `sw8` the app remains"
            }
            Mode::StripTraceparent => {
                "W3C: the list alone, a new trace that knows the session; `sw8`: all, continued"
            }
            Mode::StripAll => "nothing: a new trace, class absent, no session",
            Mode::Variable if version.joins_lines() => {
                "several lines as one: continued, with the session"
            }
            Mode::Variable => {
                "of several lines the first: continued; the session only if that has it"
            }
            Mode::Fold => "several lines as one: continued, with the session",
            Mode::Rewrite => {
                "nginx's ids: a child of them and not of the phone's span, with the session; \
                 beside `sw8` they win, and its span is a link"
            }
            Mode::Ours => {
                "the trace with the gateway's two spans between, several lines as one, of a list \
                 over 8000 bytes not all other members, beside `sw8` none of them; the session at \
                 both, a web page's app from `sw8` at the gateway alone"
            }
        }
    }

    /// Whether CI runs it.
    pub(crate) fn is_quick(self) -> bool {
        matches!(self, Mode::Pass | Mode::StripTracestate | Mode::StripAll)
    }

    /// Its file in `nginx/`.
    pub(crate) fn file(self) -> Option<&'static str> {
        match self {
            Mode::Pass | Mode::Ours => None,
            Mode::Large => Some("large"),
            Mode::StripTracestate => Some("strip-tracestate"),
            Mode::StripTraceparent => Some("strip-traceparent"),
            Mode::StripAll => Some("strip-all"),
            Mode::Variable => Some("variable"),
            Mode::Fold => Some("fold"),
            Mode::Rewrite => Some("rewrite"),
        }
    }

    /// Whether it passes this line, or answers the request itself.
    pub(crate) fn takes(self, (name, value): &Line) -> bool {
        let line = name.len() + ": ".len() + value.len() + "\r\n".len();
        matches!(self, Mode::Large | Mode::Ours) || line <= NGINX_LINE
    }

    /// The lines that our service must get of these. The ids that a gateway writes itself
    /// are not known here: [`Mode::writes`] says which headers they are in.
    pub(crate) fn passes(self, sent: &[Line], version: Version) -> Vec<Line> {
        match self {
            Mode::Pass | Mode::Large => sent.to_vec(),
            Mode::StripTracestate => without(sent, &["tracestate"]),
            Mode::StripTraceparent | Mode::Rewrite => without(sent, &["traceparent"]),
            Mode::StripAll => without(sent, &STRIPPED),
            Mode::Variable if version.joins_lines() => with_list(sent, joined(sent, ", ")),
            Mode::Variable => with_list(sent, lists(sent).next().map(str::to_owned)),
            Mode::Fold => with_list(sent, joined(sent, ",")),
            Mode::Ours => passed_on(sent),
        }
    }

    /// Whether it writes this header anew, of this request.
    pub(crate) fn writes(self, name: &str, sent: &[Line]) -> bool {
        match self {
            Mode::Rewrite => name == "traceparent",
            Mode::Ours => {
                let was_sent = sent.iter().any(|(sent, _)| *sent == name);
                was_sent && matches!(name, "traceparent" | "sw8")
            }
            _ => false,
        }
    }
}

fn without(sent: &[Line], names: &[&str]) -> Vec<Line> {
    let kept = sent.iter().filter(|(name, _)| !names.contains(name));
    kept.cloned().collect()
}

fn with_list(sent: &[Line], list: Option<String>) -> Vec<Line> {
    let mut lines = without(sent, &["tracestate"]);
    lines.extend(list.map(|list| ("tracestate", list)));
    lines
}

fn lists(sent: &[Line]) -> impl Iterator<Item = &str> {
    let lines = sent.iter().filter(|(name, _)| *name == "tracestate");
    lines.map(|(_, value)| value.as_str())
}

fn joined(sent: &[Line], by: &str) -> Option<String> {
    let values: Vec<_> = lists(sent).collect();
    (!values.is_empty()).then(|| values.join(by))
}

/// What all the RUM SDKs' members have in them.
pub(crate) const MEMBER: &str = "rum=";

/// By a service of ours, but for its own ids.
fn passed_on(sent: &[Line]) -> Vec<Line> {
    let is_w3c = sent.iter().any(|(name, _)| *name == "traceparent");
    let list = joined(sent, ",");
    let list = list.map(|list| if is_w3c { cut(&list) } else { alone(&list) });
    let lines = with_list(sent, list);
    let is_told = lists(&lines).any(|list| list.contains(MEMBER));
    // What the list tells of the client is not said again in baggage.
    let told: &[_] = if is_told { &["baggage"] } else { &[] };
    without(&without(&lines, told), &["traceparent", "sw8"])
}

/// Beside `sw8` the others are nobody's list.
fn alone(list: &str) -> String {
    let members = list.split(',').filter(|member| member.contains(MEMBER));
    members.collect::<Vec<_>>().join(",")
}

/// Bytes of a list that our services send on.
const LIST_SENT: usize = 8_000;

/// Members over 128 characters go first, from the right (W3C Trace Context Level 2,
/// §3.3.1.5).
fn cut(list: &str) -> String {
    let mut members: Vec<_> = list.split(',').collect();
    while members.join(",").len() > LIST_SENT {
        let long = members.iter().rposition(|member| member.len() > 128);
        members.remove(long.unwrap_or(members.len() - 1));
    }
    members.join(",")
}
