//! Times that cannot be: the clocks of two machines differ.

use super::{Evidence, Finding, Findings, Groups, Kind, words};
use crate::analysis::facts;
use crate::collector::{Span, SpanKind};

/// What clocks that are kept in step differ by, in nanoseconds.
const TOLERANCE: u64 = 1_000_000;
/// How much longer than the caller waited a callee works at least, to be taken
/// for one whose clock is late.
const LONG: u64 = 100_000_000;

pub(super) fn find(evidence: Evidence<'_>, findings: &mut Findings) {
    let mut skewed = Groups::default();
    for (index, span) in evidence.spans.iter().enumerate() {
        let Some(parent) = evidence.tree.parent_span(index) else {
            continue;
        };
        let Some(skew) = evidence.span(parent).and_then(|parent| skew(parent, span)) else {
            continue;
        };
        findings.mark(index, Kind::ClockSkew);
        skewed.note((evidence.hop(parent, index), skew.0), (index, skew.1));
    }
    for ((hop, skew), (first, by), times) in skewed.all() {
        findings.add(Finding {
            kind: Kind::ClockSkew,
            span_id: evidence.span(first).map(|span| span.span_id.to_string()),
            text: words::with_times(words::clock_skew(&hop, skew, by), times),
            hop: Some(hop),
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Skew {
    BeginsBefore,
    BeginsAfterEnd,
    EndsLongAfter,
}

/// How the child's times do not fit, and by how much.
fn skew(parent: &Span, child: &Span) -> Option<(Skew, u64)> {
    let early = parent.start.saturating_sub(child.start);
    if early > TOLERANCE {
        return Some((Skew::BeginsBefore, early));
    }
    // Only who waits for an answer has seen the end; and who gave up has not.
    let waits = parent.kind == SpanKind::Client && child.kind == SpanKind::Server;
    if !waits || parent.status.is_error() {
        return None;
    }
    let end = facts::end(parent);
    let late = child.start.saturating_sub(end);
    if late > TOLERANCE {
        return Some((Skew::BeginsAfterEnd, late));
    }
    let longer = facts::end(child).saturating_sub(end);
    (longer > LONG.max(facts::duration(parent))).then_some((Skew::EndsLongAfter, longer))
}

/// Whether a child goes on after its parent: often so on purpose.
pub(crate) fn is_late(parent: &Span, child: &Span) -> bool {
    facts::end(child).saturating_sub(facts::end(parent)) > TOLERANCE
}
