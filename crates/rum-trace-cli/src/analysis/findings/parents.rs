//! Spans whose parent never came, and those that go round in a circle.

use super::{Evidence, Finding, Findings, Groups, Kind, words};
use crate::analysis::tree::Parent;

pub(super) fn find(evidence: Evidence<'_>, findings: &mut Findings) {
    let mut missing = Groups::default();
    for root in evidence.tree.roots() {
        match evidence.tree.parent(*root) {
            Parent::Circle => circle(evidence, *root, findings),
            // The phone's span is expected to be missing: it goes to the RUM product.
            Parent::Absent(id) if evidence.quiet && !evidence.is_under_tap(*root) => {
                findings.mark(*root, Kind::MissingParent);
                missing.note(id, *root);
            }
            _ => {}
        }
    }
    for (parent, first, times) in missing.all() {
        let Some(span) = evidence.span(first) else {
            continue;
        };
        findings.add(Finding {
            kind: Kind::MissingParent,
            span_id: Some(span.span_id.to_string()),
            text: words::missing_parent(span, parent, times),
            hop: None,
        });
    }
}

fn circle(evidence: Evidence<'_>, index: usize, findings: &mut Findings) {
    findings.mark(index, Kind::Circle);
    if let Some(span) = evidence.span(index) {
        findings.add(Finding {
            kind: Kind::Circle,
            span_id: Some(span.span_id.to_string()),
            text: words::circle(span),
            hop: None,
        });
    }
}
