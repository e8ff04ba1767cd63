//! The diagnosis of one request.

use super::{Finding, Findings};
use crate::RequestInfo;
use crate::extract::Extraction;
use crate::headers::TraceHeaders;
use crate::instrumenter::Inner;

impl Inner {
    /// Counts what a request or a message came to, and tells of it.
    pub(crate) fn diagnose(&self, extraction: &Extraction) {
        self.counters.classed(extraction.class);
        if extraction.has_findings() {
            self.counters.found(extraction.findings());
        }
    }

    /// Tells of a request that names no caller's span, and is to have one of ours:
    /// what is skipped, as health checks, is not told of.
    #[inline(never)]
    pub(crate) fn diagnose_absent(
        &self,
        request: &dyn RequestInfo,
        headers: &TraceHeaders<'_>,
        extraction: &Extraction,
    ) {
        let findings = match extraction.has_findings() {
            true => extraction.findings(),
            false => Findings::default(),
        };
        let arrived = findings.contains(Finding::NotRecording);
        if !arrived && self.expected.includes(request, headers) {
            let mut stripped = Findings::default();
            stripped.add(Finding::StrippedOnTheWay);
            self.counters.found(stripped);
        } else if findings.is_empty() {
            self.counters.tell_absent();
        }
    }
}
