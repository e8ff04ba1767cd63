//! What is missing in a trace or does not fit, in words.
//!
//! Some of it shows by what is there; some by what is not, and of that nothing is
//! said while spans are still arriving.

mod calls;
mod chain;
mod clocks;
mod parents;
mod words;

pub(crate) use clocks::is_late;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use serde::Serialize;

use super::facts;
use super::phone::Tap;
use super::topology::Peers;
use super::tree::Tree;
use crate::collector::Span;

/// Nobody reads more.
const MAX_FINDINGS: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    MissingParent,
    LostTracestate,
    UnsampledBranch,
    NoSpanBeyondCall,
    KeptAlone,
    RumDiffers,
    Circle,
    ClockSkew,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    /// The first span that shows it.
    pub(crate) span_id: Option<String>,
    /// For a person, with what to do. It quotes what the sender wrote.
    pub(crate) text: String,
    pub(crate) hop: Option<Hop>,
}

/// From one service to the next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Hop {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// What they are read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) spans: &'a [Arc<Span>],
    pub(crate) tree: &'a Tree,
    pub(crate) tap: Option<&'a Tap>,
    /// Whether no more spans are expected.
    pub(crate) quiet: bool,
    /// Services of other traces.
    pub(crate) peers: &'a Peers,
}

impl Evidence<'_> {
    fn span(&self, index: usize) -> Option<&Span> {
        self.spans.get(index).map(|span| &**span)
    }

    fn service(&self, index: usize) -> &str {
        self.span(index).map_or("", Span::service)
    }

    /// Whether a root hangs under the phone's span.
    pub(crate) fn is_under_tap(&self, root: usize) -> bool {
        self.tap
            .is_some_and(|tap| tap.is_over(self.spans, self.tree, root))
    }

    fn hop(&self, from: usize, to: usize) -> Hop {
        Hop {
            from: self.service(from).to_owned(),
            to: self.service(to).to_owned(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
    /// How many were left out.
    pub(crate) truncated: usize,
    /// All spans that show one, by index.
    marks: HashMap<usize, Vec<Kind>>,
}

impl Findings {
    pub(crate) fn of(evidence: Evidence<'_>) -> Self {
        let mut findings = Self::default();
        parents::find(evidence, &mut findings);
        chain::find(evidence, &mut findings);
        unsampled(evidence, &mut findings);
        calls::find(evidence, &mut findings);
        clocks::find(evidence, &mut findings);
        findings
    }

    pub(crate) fn marks(&self, index: usize) -> &[Kind] {
        self.marks.get(&index).map_or(&[], Vec::as_slice)
    }

    /// With those that were left out.
    pub(crate) fn count(&self) -> usize {
        self.list.len().saturating_add(self.truncated)
    }

    fn mark(&mut self, index: usize, kind: Kind) {
        let marks = self.marks.entry(index).or_default();
        if !marks.contains(&kind) {
            marks.push(kind);
        }
    }

    fn add(&mut self, finding: Finding) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(finding);
        } else {
            self.truncated = self.truncated.saturating_add(1);
        }
    }
}

/// Spans that were recorded though their trace is not sampled.
fn unsampled(evidence: Evidence<'_>, findings: &mut Findings) {
    let mut by_service = Groups::default();
    for (index, span) in evidence.spans.iter().enumerate() {
        if let Some(why) = span.text(facts::KEPT_ALONE) {
            findings.mark(index, Kind::KeptAlone);
            findings.add(Finding {
                kind: Kind::KeptAlone,
                span_id: Some(span.span_id.to_string()),
                text: words::kept_alone(span, why),
                hop: None,
            });
        } else if facts::sampled(span) == Some(false) {
            findings.mark(index, Kind::UnsampledBranch);
            by_service.note(span.service().to_owned(), index);
        }
    }
    for (service, first, times) in by_service.all() {
        findings.add(Finding {
            kind: Kind::UnsampledBranch,
            span_id: evidence.span(first).map(|span| span.span_id.to_string()),
            text: words::recorded_unsampled(&service, times),
            hop: None,
        });
    }
}

/// Spans that show the same: the first, and how many.
#[derive(Debug)]
struct Groups<K, V = usize> {
    by_key: HashMap<K, usize>,
    groups: Vec<(K, V, usize)>,
}

impl<K, V> Default for Groups<K, V> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            groups: Vec::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, V> Groups<K, V> {
    fn note(&mut self, key: K, first: V) {
        let at = *self.by_key.entry(key.clone()).or_insert(self.groups.len());
        match self.groups.get_mut(at) {
            Some((_, _, times)) => *times = times.saturating_add(1),
            None => self.groups.push((key, first, 1)),
        }
    }

    /// In the order in which they were first noted.
    fn all(self) -> impl Iterator<Item = (K, V, usize)> {
        self.groups.into_iter()
    }
}

#[cfg(test)]
mod tests;
