//! Sessions: what a user did, request by request, in the order it was lived.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::digest::{Digest, Field};
use super::facts;

/// Requests of one answer.
const MAX_REQUESTS: usize = 1_000;
/// Different apps, types and users of one answer: nobody has as many.
const MAX_VALUES: usize = 1_000;

/// A trace, as far as sessions need it.
#[derive(Clone, Debug)]
pub(crate) struct OfSession {
    pub(crate) trace_id: String,
    pub(crate) digest: Arc<Digest>,
    pub(crate) findings: usize,
}

/// As the API gives it: see docs/VIEW.md.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Session {
    session_id: String,
    app_ids: BTreeSet<String>,
    app_types: BTreeSet<String>,
    user_ids: BTreeSet<String>,
    first_unix_nano: String,
    last_unix_nano: String,
    requests: Vec<Request>,
    /// Earlier requests that were left out.
    truncated: usize,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Request {
    trace_id: String,
    /// Of the SERVER span.
    span_id: Option<String>,
    name: String,
    method: Option<String>,
    route: Option<String>,
    path: Option<String>,
    status: Option<i64>,
    start_unix_nano: String,
    duration_ns: u64,
    /// Since the end of all that came before.
    pause_ns: Option<u64>,
    errors: u32,
    service: Option<String>,
    findings: usize,
}

impl Session {
    /// Of its traces, in any order; nothing if there are none.
    pub(crate) fn new(session_id: &str, mut traces: Vec<OfSession>) -> Option<Self> {
        traces.sort_by(|a, b| key(a).cmp(&key(b)));
        let first = traces.first()?.digest.start;
        let last = traces.iter().map(|trace| trace.digest.end).max()?;
        let all = |field| {
            let texts = traces.iter().flat_map(|trace| trace.digest.texts(field));
            let different: BTreeSet<&str> = texts.map(|text| &**text).collect();
            let listed = different.into_iter().take(MAX_VALUES);
            listed.map(str::to_owned).collect()
        };
        let (app_ids, app_types, user_ids) =
            (all(Field::App), all(Field::AppType), all(Field::User));
        // The end is what somebody asks about.
        let truncated = traces.len().saturating_sub(MAX_REQUESTS);
        let mut before = None;
        let requests = traces.iter().skip(truncated);
        Some(Self {
            session_id: session_id.to_owned(),
            app_ids,
            app_types,
            user_ids,
            first_unix_nano: first.to_string(),
            last_unix_nano: last.to_string(),
            requests: requests
                .map(|trace| Request::new(trace, &mut before))
                .collect(),
            truncated,
        })
    }
}

fn key(trace: &OfSession) -> (u64, &str) {
    (trace.digest.start, &trace.trace_id)
}

impl Request {
    /// `before` is the end of all requests so far.
    fn new(trace: &OfSession, before: &mut Option<u64>) -> Self {
        let digest = &*trace.digest;
        let lead = digest.lead();
        let of_lead = |field: Field| lead.and_then(|lead| field.of(lead)).map(str::to_owned);
        let pause_ns = before.map(|end| digest.start.saturating_sub(end));
        *before = Some(before.unwrap_or(0).max(digest.end));
        Self {
            trace_id: trace.trace_id.clone(),
            span_id: lead.map(|lead| lead.span_id.to_string()),
            name: digest.name().to_owned(),
            method: lead
                .and_then(|lead| facts::method(lead))
                .map(|method| facts::short(method).to_owned()),
            route: of_lead(Field::Route),
            path: of_lead(Field::Path),
            status: lead.and_then(|lead| facts::http_status(lead)),
            start_unix_nano: digest.start.to_string(),
            duration_ns: digest.duration(),
            pause_ns,
            errors: digest.errors,
            service: lead.map(|lead| lead.service().to_owned()),
            findings: trace.findings,
        }
    }
}

/// One of the newest sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    session_id: String,
    app_id: Option<String>,
    app_type: Option<String>,
    user_id: Option<String>,
    requests: usize,
    errors: usize,
    last_unix_nano: String,
}

/// The newest sessions of these traces, of which the newest come first.
pub(crate) fn newest(traces: impl Iterator<Item = Arc<Digest>>, limit: usize) -> Vec<Line> {
    let mut by_id: HashMap<Arc<str>, (u64, Vec<Arc<Digest>>)> = HashMap::new();
    for digest in traces {
        for session in digest.texts(Field::Session) {
            let (last, of_session) = by_id.entry(Arc::clone(session)).or_default();
            *last = digest.end.max(*last);
            of_session.push(Arc::clone(&digest));
        }
    }
    let mut sessions: Vec<_> = by_id.into_iter().collect();
    sessions.sort_by(|(a, (a_last, _)), (b, (b_last, _))| {
        (Reverse(a_last), a).cmp(&(Reverse(b_last), b))
    });
    sessions.truncate(limit);
    let line =
        |(id, (last, traces)): (Arc<str>, (u64, Vec<Arc<Digest>>))| Line::new(&id, last, &traces);
    sessions.into_iter().map(line).collect()
}

impl Line {
    fn new(id: &str, last: u64, traces: &[Arc<Digest>]) -> Self {
        let first = |told: fn(&Digest) -> Option<&str>| {
            traces
                .iter()
                .find_map(|digest| told(digest))
                .map(str::to_owned)
        };
        Self {
            session_id: id.to_owned(),
            app_id: first(Digest::app),
            app_type: first(Digest::app_type),
            user_id: first(Digest::user),
            requests: traces.len(),
            errors: traces.iter().filter(|digest| digest.errors > 0).count(),
            last_unix_nano: last.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::SpanBuilder;

    fn trace(id: u8, session: &str, start: u64, end: u64) -> OfSession {
        let span = SpanBuilder::new("shop", id, 2, 9)
            .server()
            .time(start, end)
            .text("session.id", session)
            .text("rum.app.id", "a@1");
        let span = if id == 3 { span.error("") } else { span };
        OfSession {
            trace_id: format!("{id:032x}"),
            digest: Arc::new(Digest::of(&[span.build()])),
            findings: usize::from(id),
        }
    }

    #[test]
    fn requests_are_in_the_order_in_which_they_were_lived() {
        let traces = vec![
            trace(3, "s", 50, 60),
            trace(1, "s", 10, 40),
            trace(2, "s", 20, 30),
        ];
        let session = Session::new("s", traces).unwrap();
        let requests: Vec<_> = session
            .requests
            .iter()
            .map(|request| (request.findings, request.pause_ns, request.errors))
            .collect();
        assert_eq!(
            requests,
            [(1, None, 0), (2, Some(0), 0), (3, Some(10_000_000), 1)]
        );
        assert_eq!(
            (
                &*session.first_unix_nano,
                &*session.last_unix_nano,
                session.truncated
            ),
            ("10000000", "60000000", 0)
        );
        assert_eq!(session.app_ids, BTreeSet::from(["a@1".to_owned()]));
        assert_eq!(Session::new("s", Vec::new()), None);
    }

    #[test]
    fn of_a_long_session_the_end_is_told() {
        let traces = (0..MAX_REQUESTS as u64 + 3).map(|n| trace(1, "s", n, n + 1));
        let session = Session::new("s", traces.collect()).unwrap();
        assert_eq!(
            (session.requests.len(), session.truncated),
            (MAX_REQUESTS, 3)
        );
        assert_eq!(session.requests[0].start_unix_nano, "3000000");
    }

    /// The same values again and again leave room for those that come later.
    #[test]
    fn users_are_told_however_late_they_come() {
        let mut traces: Vec<_> = (0..MAX_VALUES as u64 + 3)
            .map(|n| trace(1, "s", n, n + 1))
            .collect();
        let late = SpanBuilder::new("shop", 2, 2, 9)
            .server()
            .time(9_000, 9_001)
            .text("rum.app.id", "late@2");
        traces.push(OfSession {
            digest: Arc::new(Digest::of(&[late.build()])),
            ..trace(2, "s", 0, 0)
        });
        let session = Session::new("s", traces).unwrap();
        let expected = ["a@1", "late@2"].map(str::to_owned);
        assert_eq!(session.app_ids, BTreeSet::from(expected));
    }

    #[test]
    fn the_newest_sessions_come_first() {
        let traces = [
            trace(1, "a", 1, 2),
            trace(2, "b", 9, 10),
            trace(3, "a", 3, 4),
        ];
        let digests = || traces.iter().map(|trace| Arc::clone(&trace.digest));
        let lines = newest(digests(), 9);
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    &*line.session_id,
                    line.requests,
                    line.errors,
                    &*line.last_unix_nano,
                )
            })
            .collect();
        assert_eq!(told, [("b", 1, 0, "10000000"), ("a", 2, 1, "4000000")]);
        assert_eq!(newest(digests(), 1).len(), 1);
    }
}
