//! `/traces/{trace_id}`: a trace as it is drawn.

use rum_trace_propagation::TraceId;
use serde::Serialize;

use super::{Answer, no_such_trace};
use crate::analysis::findings::{Finding, Findings};
use crate::analysis::rows::{Row, Rows};
use crate::analysis::summary::Summary;
use crate::collector::Store;

#[derive(Debug, Serialize)]
pub(super) struct Trace {
    summary: Summary,
    rows: Vec<Row>,
    findings: Vec<Finding>,
    findings_truncated: usize,
    services: Vec<String>,
    /// Spans that have no row.
    truncated: usize,
    /// Whether no more spans are expected: until then nothing is called missing.
    quiet: bool,
}

pub(super) fn answer(store: &Store, id: TraceId) -> Answer<Trace> {
    let kept = store.get(id).ok_or_else(no_such_trace)?;
    Ok(kept.look(|evidence| {
        let findings = Findings::of(evidence);
        let rows = Rows::of(evidence, &findings, kept.digest.start);
        Trace {
            summary: kept.summary(id, findings.count()),
            rows: rows.rows,
            findings_truncated: findings.truncated,
            findings: findings.list,
            services: rows.services,
            truncated: rows.truncated,
            quiet: kept.quiet,
        }
    }))
}
