//! Calls beyond which there is no span.

use std::collections::HashSet;

use super::{Evidence, Finding, Findings, Groups, Hop, Kind, words};
use crate::analysis::facts;
use crate::analysis::topology::{self, Beyond};
use crate::collector::{Span, SpanKind};

pub(super) fn find(evidence: Evidence<'_>, findings: &mut Findings) {
    // They show by what is not there.
    if !evidence.quiet {
        return;
    }
    let here: HashSet<&str> = evidence.spans.iter().map(|span| span.service()).collect();
    let mut calls = Groups::default();
    for (index, span) in evidence.spans.iter().enumerate() {
        if !should_have_arrived(span)
            || !topology::is_last_call(evidence.spans, evidence.tree, index)
        {
            continue;
        }
        let (kind, beyond) = match topology::beyond(span, evidence.peers) {
            Some(Beyond::Service(service)) if !here.contains(&*service) => {
                (Kind::UnsampledBranch, To::Service(service.to_string()))
            }
            Some(Beyond::Service(service)) => {
                (Kind::NoSpanBeyondCall, To::Service(service.to_string()))
            }
            Some(Beyond::Peer(peer)) => (Kind::NoSpanBeyondCall, To::Peer(peer)),
            None => (Kind::NoSpanBeyondCall, To::Unknown),
        };
        findings.mark(index, kind);
        calls.note((kind, span.service().to_owned(), beyond), index);
    }
    for ((kind, from, to), first, times) in calls.all() {
        findings.add(Finding {
            kind,
            span_id: evidence.span(first).map(|span| span.span_id.to_string()),
            text: words::with_times(text(kind, &from, &to), times),
            hop: to.hop(from),
        });
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum To {
    Service(String),
    Peer(String),
    Unknown,
}

impl To {
    fn hop(self, from: String) -> Option<Hop> {
        match self {
            Self::Service(to) => Some(Hop { from, to }),
            Self::Peer(_) | Self::Unknown => None,
        }
    }
}

fn text(kind: Kind, from: &str, to: &To) -> String {
    match (kind, to) {
        (Kind::UnsampledBranch, To::Service(to)) => words::unsampled_branch(from, to),
        (_, To::Service(to)) => words::no_span_of_service(from, to),
        (_, To::Peer(peer)) => words::no_span_beyond(from, peer),
        (_, To::Unknown) => words::no_span_beyond(from, "an address that it does not tell"),
    }
}

/// Databases and brokers send no spans, and a call that failed without an answer
/// may have reached nobody.
fn should_have_arrived(span: &Span) -> bool {
    let answered = facts::http_status(span).is_some() || !span.status.is_error();
    span.kind == SpanKind::Client && facts::system(span).is_none() && answered
}
