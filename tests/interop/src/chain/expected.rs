//! What must have arrived at each service, and what must be in the Collector's file.

use rum_trace::RumKey;
use rum_trace_interop_browser::carrier;

use super::Row;
use super::page::Visit;
use super::route::{Running, Stop};
use crate::answer::Answer;
use crate::case::same;
use crate::judge::{Expected, judge};
use crate::peer::Protocol;
use crate::spans::{Kind, Span};

/// What must be in the file.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) expected: Expected,
    /// Our services, and the session on their SERVER spans.
    sessions: Vec<(String, Option<String>)>,
}

impl Trace {
    /// Whether it is, and otherwise why not.
    pub(crate) fn judge(&self, spans: &[Span]) -> Result<(), String> {
        judge(spans, &self.expected)?;
        let of_trace = |span: &&Span| span.trace_id == self.expected.trace_id;
        let entries = spans.iter().filter(of_trace);
        let entries: Vec<_> = entries.filter(|span| span.kind == Kind::Server).collect();
        for (service, session) in &self.sessions {
            let entry = entries.iter().find(|span| span.service == *service);
            let got = entry.and_then(|span| span.attributes.get(RumKey::SessionId.attribute()));
            let what = format!("session on {service}'s span");
            same(&what, got, session.as_ref())?;
        }
        Ok(())
    }
}

/// What must reach a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrival {
    carrier: Protocol,
    /// The RUM member in `tracestate`.
    member: bool,
    /// `sw8` has the trace id as the browser wrote it, not its hex digits.
    text: bool,
}

/// In the order of the calls: an agent passes on its own protocol and nothing of another,
/// and a text that W3C has not is not to be had behind that.
fn arrivals(row: Row, agents: &[Option<Protocol>]) -> Vec<Arrival> {
    let first = match row {
        Row::W3c => Protocol::W3c,
        Row::Sw8 => Protocol::Sw8,
    };
    let mut now = Arrival {
        carrier: first,
        member: row == Row::W3c,
        text: true,
    };
    let mut all = Vec::new();
    for (at, agent) in agents.iter().enumerate() {
        let next = agents.get(at + 1).copied().flatten();
        all.push(now);
        if *agent == Some(Protocol::Sw8) {
            now.member = false;
        }
        // Ours calls an agent in the agent's protocol.
        now.carrier = agent.or(next).unwrap_or(now.carrier);
        now.text &= now.carrier == Protocol::Sw8 || row == Row::W3c;
    }
    all
}

/// Whether what arrived is so, and the trace that must come of it.
pub(crate) fn check(running: &Running, row: Row, visit: &Visit) -> Result<Trace, String> {
    let answers: Vec<_> = visit.answer.chain().collect();
    if let Some(failed) = answers.iter().find_map(|it| it.error.as_ref()) {
        return Err(format!("a call failed: {failed}"));
    }
    let order: Vec<_> = answers.iter().map(|it| it.service.clone()).collect();
    let services: Vec<_> = running.stops.iter().map(|it| it.service.clone()).collect();
    same("services", Some(&order), Some(&services))?;
    let agents: Vec<_> = running.stops.iter().map(|stop| stop.agent).collect();
    let arrivals = arrivals(row, &agents);
    let mut sessions = Vec::new();
    for ((stop, answer), arrival) in running.stops.iter().zip(&answers).zip(arrivals) {
        arrival
            .check(visit, answer)
            .map_err(|reason| format!("at {}: {reason}", stop.service))?;
        sessions.extend(session(stop, arrival, visit));
    }
    // Through nginx, nothing was changed.
    for (name, value) in &visit.sent {
        same(name, visit.answer.received.get(name), Some(value))?;
    }
    Ok(Trace {
        expected: Expected {
            trace_id: visit.ids.trace_id(),
            parent_id: Some(visit.ids.span_id()),
            services,
        },
        sessions,
    })
}

fn session(stop: &Stop, arrival: Arrival, visit: &Visit) -> Option<(String, Option<String>)> {
    let known = arrival.member.then(|| visit.identity.session.clone());
    stop.agent.is_none().then(|| (stop.service.clone(), known))
}

impl Arrival {
    fn check(self, visit: &Visit, answer: &Answer) -> Result<(), String> {
        let has = |name: &str| answer.received.contains_key(name);
        let wanted = match self.carrier {
            Protocol::W3c => (true, false),
            Protocol::Sw8 => (false, true),
        };
        let carriers = (has("traceparent"), has("sw8"));
        same("traceparent and sw8", Some(carriers), Some(wanted))?;
        let list = visit.sent.get("tracestate").filter(|_| self.member);
        same("tracestate", answer.received.get("tracestate"), list)?;
        self.check_text(visit, answer)?;
        // Only ours say what they know.
        if answer.trace_id.is_none() {
            return Ok(());
        }
        let session = self.member.then_some(visit.identity.session.as_str());
        same("session", answer.session_id.as_deref(), session)?;
        let trace = visit.ids.trace_id();
        same("trace", answer.trace_id.as_deref(), Some(trace.as_str()))
    }

    /// SkyWalking's own backend joins by it.
    fn check_text(self, visit: &Visit, answer: &Answer) -> Result<(), String> {
        let Some(value) = answer.received.get("sw8") else {
            return Ok(());
        };
        let text = carrier::sw8_trace(value);
        let digits = visit.ids.trace_id();
        let wanted = if self.text { &visit.ids.trace } else { &digits };
        same("sw8's trace", text.as_ref(), Some(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Protocol::{Sw8, W3c};

    fn arrival(carrier: Protocol, member: bool, text: bool) -> Arrival {
        Arrival {
            carrier,
            member,
            text,
        }
    }

    #[test]
    fn what_must_reach_each_service() {
        let skywalking = [None, Some(Sw8), None, Some(W3c)];
        let opentelemetry = [None, Some(W3c), None, Some(Sw8)];
        let table = [
            (
                Row::W3c,
                skywalking,
                [
                    arrival(W3c, true, true),
                    arrival(Sw8, true, true),
                    arrival(Sw8, false, true),
                    arrival(W3c, false, true),
                ],
            ),
            (
                Row::W3c,
                opentelemetry,
                [
                    arrival(W3c, true, true),
                    arrival(W3c, true, true),
                    arrival(W3c, true, true),
                    arrival(Sw8, true, true),
                ],
            ),
            (
                Row::Sw8,
                skywalking,
                [
                    arrival(Sw8, false, true),
                    arrival(Sw8, false, true),
                    arrival(Sw8, false, true),
                    arrival(W3c, false, false),
                ],
            ),
            (
                Row::Sw8,
                opentelemetry,
                [
                    arrival(Sw8, false, true),
                    arrival(W3c, false, false),
                    arrival(W3c, false, false),
                    arrival(Sw8, false, false),
                ],
            ),
        ];
        for (row, agents, wanted) in table {
            assert_eq!(arrivals(row, &agents), wanted, "{row:?} {agents:?}");
        }
    }
}
