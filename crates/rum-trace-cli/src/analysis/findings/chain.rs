//! What the phone told, from hop to hop: whether it arrives, and as the same.

use rum_trace::RumKey;

use super::{Evidence, Finding, Findings, Groups, Hop, Kind, words};
use crate::analysis::facts;
use crate::collector::{Span, SpanKind};

const APP: &str = RumKey::AppId.attribute();
const SESSION: &str = RumKey::SessionId.attribute();

/// What a span knows of the phone, by itself or by its parent in the same
/// service.
#[derive(Clone, Copy, Debug, Default)]
struct Known<'a> {
    /// Whether anything was told.
    rum: bool,
    session: Option<&'a str>,
    app: Option<&'a str>,
}

pub(super) fn find(evidence: Evidence<'_>, findings: &mut Findings) {
    let mut known = vec![Known::default(); evidence.spans.len()];
    let (mut lost, mut differs) = (Groups::default(), Groups::default());
    // Parents come before their children.
    for place in evidence.tree.all() {
        let Some(span) = evidence.spans.get(place.index) else {
            continue;
        };
        let own = own(span);
        let caller = evidence.tree.parent_span(place.index);
        let before = caller
            .and_then(|caller| known.get(caller).copied())
            .unwrap_or_default();
        if let Some(caller) = caller {
            if span.kind == SpanKind::Server
                && before.rum
                && !own.rum
                && is_hop(evidence, caller, span)
            {
                findings.mark(place.index, Kind::LostTracestate);
                lost.note(evidence.hop(caller, place.index), place.index);
            }
            if let Some(what) = differing(before, own) {
                findings.mark(place.index, Kind::RumDiffers);
                differs.note((evidence.hop(caller, place.index), what), place.index);
            }
        }
        let same_service = caller.is_some_and(|caller| !is_hop(evidence, caller, span));
        if let Some(known) = known.get_mut(place.index) {
            *known = Known {
                rum: own.rum || before.rum && same_service,
                session: own.session.or(before.session),
                app: own.app.or(before.app),
            };
        }
    }
    tell(evidence, findings, Kind::LostTracestate, lost, |hop| {
        (words::lost_tracestate(&hop), hop)
    });
    tell(
        evidence,
        findings,
        Kind::RumDiffers,
        differs,
        |(hop, what)| (words::rum_differs(&hop, what), hop),
    );
}

fn own(span: &Span) -> Known<'_> {
    Known {
        rum: facts::tells_rum(span) || facts::has_rum_member(span),
        session: span.text(SESSION),
        app: span.text(APP),
    }
}

fn is_hop(evidence: Evidence<'_>, caller: usize, callee: &Span) -> bool {
    evidence.service(caller) != callee.service()
}

fn differing(before: Known<'_>, own: Known<'_>) -> Option<&'static str> {
    let differ = |one: Option<&str>, other: Option<&str>| matches!((one, other), (Some(one), Some(other)) if one != other);
    match () {
        () if differ(before.session, own.session) => Some(SESSION),
        () if differ(before.app, own.app) => Some(APP),
        () => None,
    }
}

fn tell<K: Clone + Eq + std::hash::Hash>(
    evidence: Evidence<'_>,
    findings: &mut Findings,
    kind: Kind,
    groups: Groups<K>,
    say: impl Fn(K) -> (String, Hop),
) {
    for (key, first, times) in groups.all() {
        let (text, hop) = say(key);
        findings.add(Finding {
            kind,
            span_id: evidence.span(first).map(|span| span.span_id.to_string()),
            text: words::with_times(text, times),
            hop: Some(hop),
        });
    }
}
