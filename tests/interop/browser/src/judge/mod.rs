//! What is a pass, and why not.

mod page;
mod reported;
mod sent;
mod span;

use crate::arrivals::Arrival;
use crate::cells::{Answer, By, Case, Cell, Life, Saw};
use crate::modes::Mode;
use crate::reports::Report;
use crate::services::Framework;
use crate::spans::Spans;
pub(crate) use sent::trace_headers;

/// One cell of the table.
#[derive(Debug)]
pub struct Verdict {
    /// The SDK, and how it was set.
    pub mode: &'static Mode,
    /// How the page asked.
    pub by: By,
    /// Whom it asked.
    pub framework: Framework,
    /// What is not as it must be, as far as is seen without a Collector. None: a pass.
    pub misses: Vec<String>,
    /// What a Collector must hold of it.
    pub expected: Expected,
}

/// The SERVER span of a request, as a Collector must have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `url.path`, which no other request has.
    pub path: String,
    /// Whether there is one.
    pub sampled: bool,
    /// Its trace id and its parent, as the headers name them; `None`: it is a root.
    pub continues: Option<(String, String)>,
}

impl Verdict {
    /// Nothing misses.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.misses.is_empty()
    }
}

/// What is known when all is over.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    arrivals: &'a [Arrival],
    reports: &'a [Report],
    spans: &'a Spans,
}

impl<'a> Evidence<'a> {
    pub(crate) const fn new(
        arrivals: &'a [Arrival],
        reports: &'a [Report],
        spans: &'a Spans,
    ) -> Self {
        Evidence {
            arrivals,
            reports,
            spans,
        }
    }
}

/// The verdicts on all requests of a page.
pub(crate) fn case(case: &Case, saw: &Saw, life: &Life, evidence: &Evidence<'_>) -> Vec<Verdict> {
    let nothing = Answer::default();
    let mut of_page = Misses::default();
    page::check(case, saw, life, &mut of_page);
    let answers = saw.answers.iter().chain(std::iter::repeat(&nothing));
    case.cells
        .iter()
        .zip(answers)
        .map(|(cell, answer)| Verdict {
            mode: case.mode,
            by: cell.by,
            framework: cell.framework,
            misses: misses(case, cell, answer, saw, evidence, of_page.clone()),
            expected: expected(case, cell, evidence),
        })
        .collect()
}

fn misses(
    case: &Case,
    cell: &Cell,
    answer: &Answer,
    saw: &Saw,
    evidence: &Evidence<'_>,
    mut misses: Misses,
) -> Vec<String> {
    let Some(known) = page::answered(answer, &mut misses) else {
        return misses.0;
    };
    let Some(sent) = sent::arrived(cell, evidence, &mut misses) else {
        return misses.0;
    };
    sent::check(case, cell, &sent, saw, &mut misses);
    sent::preflight(case.mode, cell, evidence, &mut misses);
    let ids = sent::carriers(&sent, &mut misses);
    if let Some(span) = span::of(cell, evidence, &mut misses) {
        span::continues(case.mode, ids.as_ref(), &span, &known, &mut misses);
        span::sampled(case.mode, cell, &known, evidence, &mut misses);
        span::tells(case, saw, &span, &known, &mut misses);
        span::sw8_names(&sent, &span, &mut misses);
    }
    reported::check(case, cell, saw, &sent, evidence, &mut misses);
    misses.0
}

/// By what arrived; that it is what was to be sent is for [`misses`] to say.
fn expected(case: &Case, cell: &Cell, evidence: &Evidence<'_>) -> Expected {
    let mut unsaid = Misses::default();
    let sent = sent::arrived(cell, evidence, &mut unsaid);
    let ids = sent.and_then(|sent| sent::carriers(&sent, &mut unsaid));
    Expected {
        path: cell.path.clone(),
        sampled: case.mode.sampled,
        continues: ids.map(|ids| (ids.trace_id(), ids.span_id())),
    }
}

#[derive(Clone, Debug, Default)]
struct Misses(Vec<String>);

impl Misses {
    fn unless(&mut self, holds: bool, reason: impl FnOnce() -> String) {
        if !holds {
            self.0.push(reason());
        }
    }
}
