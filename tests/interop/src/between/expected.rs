//! What must come of what arrived.

use rum_trace::RumKey;
use rum_trace_interop_browser::{Headers, carrier};
use rum_trace_testing::PhoneRequest;

use super::OURS;
use super::mode::{Line, MEMBER, Mode};
use super::sent::Sent;
use super::trace::{Rum, Trace};
use crate::answer::Answer;
use crate::case::same;
use crate::counts::Counts;
use crate::judge::Expected;
use crate::nginx::Version;

/// Whose child our span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// The phone's span, or the gateway's behind it if that is a part of the trace.
    Phone,
    /// The ids that the gateway made up.
    Gateway,
    /// Nobody's: a new trace.
    Nobody,
}

/// How much of what the phone tells of itself is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tells {
    Everything,
    /// What `sw8` tells by itself.
    App,
    Nothing,
}

/// What must come of a request.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    mode: Mode,
    sent: Sent,
    /// As they must arrive, but for those that the gateway writes.
    arrives: Vec<Line>,
    pub(crate) parent: Parent,
    pub(crate) tells: Tells,
}

impl Outcome {
    /// `None` if the gateway does not let the request through.
    pub(crate) fn of(mode: Mode, sent: &Sent, version: Version) -> Option<Self> {
        if !sent.lines.iter().all(|line| mode.takes(line)) {
            return None;
        }
        let arrives = mode.passes(&sent.lines, version);
        let mut outcome = Outcome {
            mode,
            sent: sent.clone(),
            arrives,
            parent: Parent::Nobody,
            tells: Tells::Nothing,
        };
        outcome.parent = outcome.parent_of();
        outcome.tells = outcome.tells_of();
        Some(outcome)
    }

    fn has(&self, name: &str) -> bool {
        let arrives = self.arrives.iter().any(|line| line.0 == name);
        arrives || self.mode.writes(name, &self.sent.lines)
    }

    fn parent_of(&self) -> Parent {
        match self.mode {
            Mode::Rewrite => Parent::Gateway,
            _ if self.has("traceparent") || self.has("sw8") => Parent::Phone,
            _ => Parent::Nobody,
        }
    }

    /// The RUM members are read whether there is a trace beside them or not.
    fn tells_of(&self) -> Tells {
        let tells = |(name, value): &Line| match *name {
            "tracestate" | "baggage" => value.contains(MEMBER),
            _ => false,
        };
        if self.arrives.iter().any(tells) {
            Tells::Everything
        } else if self.has("sw8") {
            Tells::App
        } else {
            Tells::Nothing
        }
    }

    /// How our service must count it.
    fn counts(&self) -> Counts {
        let (w3c, sw8) = (self.has("traceparent"), self.has("sw8"));
        let is_absent = !w3c && !sw8;
        Counts {
            w3c: w3c.into(),
            sw8: (sw8 && !w3c).into(),
            absent: is_absent.into(),
            malformed: 0,
            linked: (w3c && sw8).into(),
            tracestate_refused: (is_absent && self.has("tracestate")).into(),
        }
    }

    /// Whether what our service answered is so, and the trace that must come of it.
    pub(crate) fn check(
        &self,
        services: Vec<String>,
        answer: &Answer,
        before: Counts,
    ) -> Result<Trace, String> {
        self.check_arrival(answer)?;
        let counts = answer.counts.map(|counts| counts.since(before));
        same("counts", counts, Some(self.counts()))?;
        same(
            "session",
            answer.session_id.as_deref(),
            self.told(RumKey::SessionId),
        )?;
        let trace = self.trace(services, answer)?;
        let id = Some(trace.expected.trace_id.as_str());
        same("trace", answer.trace_id.as_deref(), id)?;
        let is_sampled = self.parent != Parent::Phone || self.sent.tap.sampled();
        same("sampled", answer.sampled, Some(is_sampled))?;
        Ok(trace)
    }

    fn check_arrival(&self, answer: &Answer) -> Result<(), String> {
        let mut wanted = Headers::new();
        for (name, value) in &self.arrives {
            let known = wanted.entry((*name).to_owned()).or_default();
            if !known.is_empty() {
                known.push(',');
            }
            known.push_str(value);
        }
        for (name, value) in &answer.received {
            if self.mode.writes(name, &self.sent.lines) {
                wanted.insert(name.clone(), value.clone());
            }
        }
        same("received", Some(&answer.received), Some(&wanted))?;
        let lines = self.arrives.iter().filter(|line| line.0 == "tracestate");
        same(
            "lines of tracestate",
            answer.tracestate_lines,
            Some(lines.count()),
        )
    }

    fn trace(&self, services: Vec<String>, answer: &Answer) -> Result<Trace, String> {
        let tap = &self.sent.tap;
        let phone = || (tap.trace_id().to_owned(), tap.parent_span_id().to_owned());
        let (trace_id, parent_id) = match self.parent {
            Parent::Phone => {
                let (trace, span) = phone();
                (trace, Some(span))
            }
            Parent::Gateway => {
                let (trace, span) = gateways(answer)?;
                (trace, Some(span))
            }
            Parent::Nobody => (answer.trace_id.clone().unwrap_or_default(), None),
        };
        let is_sampled = self.parent != Parent::Phone || tap.sampled();
        Ok(Trace {
            expected: Expected {
                trace_id,
                parent_id,
                services: services.iter().filter(|_| is_sampled).cloned().collect(),
            },
            lost: (self.parent != Parent::Phone).then(|| tap.trace_id().to_owned()),
            link: (self.parent == Parent::Gateway && self.has("sw8")).then(phone),
            rum: services
                .into_iter()
                .map(|service| {
                    let rum = self.rum_at(&service);
                    (service, rum)
                })
                .collect(),
        })
    }

    /// What the phone told, as far as it arrived.
    fn told(&self, key: RumKey) -> Option<&str> {
        match self.tells {
            Tells::Everything => told(&self.sent.tap, key),
            Tells::App if key == RumKey::AppId => told(&self.sent.tap, key),
            _ => None,
        }
    }

    /// What `sw8` tells of itself is told of the caller, and so not behind a gateway that
    /// is a part of the trace: there the gateway is the caller.
    fn rum_at(&self, service: &str) -> Rum {
        let is_behind = self.mode == Mode::Ours && service != OURS;
        let pair = |key: RumKey| {
            let value = self.told(key)?;
            Some((key.attribute().to_owned(), value.to_owned()))
        };
        let is_told = self.tells == Tells::Everything || !is_behind;
        let keys = RumKey::ALL.into_iter().filter(|_| is_told);
        keys.filter_map(pair).collect()
    }
}

fn told(tap: &PhoneRequest, key: RumKey) -> Option<&str> {
    match key {
        RumKey::AppId => tap.app_id(),
        RumKey::AppType => tap.app_type(),
        RumKey::AppVersion => tap.app_version(),
        RumKey::AppChannel => tap.app_channel(),
        RumKey::SdkVersion => tap.sdk_version(),
        RumKey::SessionId => tap.session_id(),
        RumKey::UserId => tap.user_id(),
        RumKey::Version => tap.rum_version(),
        _ => None,
    }
}

/// The ids that the gateway wrote: read by hand, as all that judges.
fn gateways(answer: &Answer) -> Result<(String, String), String> {
    let ids = carrier::read(&answer.received)?;
    let ids = ids.into_iter().find(|(name, _)| *name == "traceparent");
    let (_, ids) = ids.ok_or("the gateway wrote no traceparent")?;
    Ok((ids.trace, ids.span))
}

#[cfg(test)]
mod tests {
    use super::Parent::{Gateway, Nobody, Phone};
    use super::Tells::{App, Everything, Nothing};
    use super::*;
    use crate::between::sent;
    use crate::peer::Protocol;

    fn outcomes(mode: Mode, speaks: Protocol) -> Vec<Option<(Parent, Tells)>> {
        let old = Version::parse("nginx/1.22.1").expect("a version");
        let outcome = |sent: &Sent| {
            let outcome = Outcome::of(mode, sent, old)?;
            Some((outcome.parent, outcome.tells))
        };
        sent::all(speaks).iter().map(outcome).collect()
    }

    /// In the order of `sent::all`: web, unsampled, with baggage, Android, three lines, a
    /// line over 8 KiB.
    #[test]
    fn what_must_come_of_w3c() {
        let all = Some((Phone, Everything));
        let bare = Some((Phone, Nothing));
        let lost = Some((Nobody, Everything));
        let none = Some((Nobody, Nothing));
        let other = Some((Gateway, Everything));
        let table = [
            (Mode::Pass, [all, all, all, all, all, None]),
            (Mode::Large, [all; 6]),
            (Mode::StripTracestate, [bare, bare, all, bare, bare, None]),
            (Mode::StripTraceparent, [lost, lost, lost, lost, lost, None]),
            (Mode::StripAll, [none, none, none, none, none, None]),
            (Mode::Variable, [all, all, all, all, bare, None]),
            (Mode::Fold, [all, all, all, all, all, None]),
            (Mode::Rewrite, [other, other, other, other, other, None]),
        ];
        for (mode, expected) in table {
            assert_eq!(outcomes(mode, Protocol::W3c), expected, "{mode:?}");
        }
    }

    /// Web, unsampled, with baggage, Android, its three lines, its line over 8 KiB. Android
    /// tells no app in `sw8`.
    #[test]
    fn what_must_come_of_sw8() {
        let app = Some((Phone, App));
        let all = Some((Phone, Everything));
        let none = Some((Nobody, Nothing));
        let (other_app, other) = (Some((Gateway, App)), Some((Gateway, Everything)));
        let table = [
            (Mode::Pass, [app, app, all, all, all, None]),
            (Mode::Large, [app, app, all, all, all, all]),
            (Mode::StripTracestate, [app, app, all, app, app, None]),
            (Mode::StripTraceparent, [app, app, all, all, all, None]),
            (Mode::StripAll, [none, none, none, none, none, None]),
            (Mode::Variable, [app, app, all, all, app, None]),
            (
                Mode::Rewrite,
                [other_app, other_app, other, other, other, None],
            ),
            (Mode::Ours, [app, app, all, all, all, all]),
        ];
        for (mode, expected) in table {
            assert_eq!(outcomes(mode, Protocol::Sw8), expected, "{mode:?}");
        }
    }
}
