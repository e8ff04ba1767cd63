//! From what became of each request to what stands between, and what to do.

mod code;
mod mend;
mod of_hop;
mod products;
mod suspect;
mod words;

use std::collections::BTreeSet;

pub(crate) use code::{Code, Severity};
pub(crate) use of_hop::{Setting, diagnose_hop};
pub(crate) use products::{Product, products};

use super::judged::Judged;
use super::target::Hop;

/// One thing that is found at a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: Code,
    pub(crate) severity: Severity,
    /// The probes that show it.
    pub(crate) probes: Vec<&'static str>,
}

/// A hop with what was found there.
#[derive(Debug)]
pub(crate) struct HopReport {
    pub(crate) hop: Hop,
    pub(crate) judged: Vec<Judged>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) products: Vec<Product>,
    /// A token was sent.
    pub(crate) asked_by_token: bool,
}

/// What to tell about a finding.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis {
    pub(crate) finding: Finding,
    /// The name of the hop that is to blame: what listens there.
    pub(crate) hop: String,
    /// The hop behind it, where this does not show.
    pub(crate) well_at: Option<String>,
    pub(crate) summary: String,
    pub(crate) suspect: String,
    pub(crate) mend: Vec<String>,
}

impl HopReport {
    /// Whether anything was learned there.
    pub(crate) fn is_known(&self) -> bool {
        self.judged.iter().any(|judged| judged.judgement.is_known)
    }

    /// Whether all that is known is from answer headers.
    fn is_by_answers(&self) -> bool {
        let mut known = self
            .judged
            .iter()
            .filter(|judged| judged.judgement.is_known);
        known.all(Judged::is_answered)
    }

    fn codes(&self) -> BTreeSet<Code> {
        self.findings.iter().map(|finding| finding.code).collect()
    }
}

/// What is to be told of all hops, the worst first.
pub(crate) fn diagnose(hops: &[HopReport]) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    for (at, hop) in hops.iter().enumerate() {
        let further_out: BTreeSet<Code> = hops.iter().take(at).flat_map(HopReport::codes).collect();
        let is_new = |finding: &&Finding| {
            at == 0
                || finding.severity == Severity::Unknown
                || finding.severity == Severity::Lost && !further_out.contains(&finding.code)
        };
        for finding in hop.findings.iter().filter(is_new) {
            found.push(suspect::diagnosis(hops, at, finding));
        }
    }
    found.sort_by_key(|diagnosis| diagnosis.finding.severity);
    found
}

/// 0, 1 or 2, as the help says. Further in only what is lost counts: what is not known
/// there may be known further out.
pub(crate) fn exit_status(hops: &[HopReport]) -> u8 {
    let has = |hop: &HopReport, severity| {
        let mut findings = hop.findings.iter();
        findings.any(|finding| finding.severity == severity)
    };
    let is_lost = hops.iter().any(|hop| has(hop, Severity::Lost));
    match hops.first() {
        Some(outermost) if !outermost.is_known() => 2,
        Some(_) if is_lost => 1,
        Some(outermost) if !has(outermost, Severity::Unknown) => 0,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
