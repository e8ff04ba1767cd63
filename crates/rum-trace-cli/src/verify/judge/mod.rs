//! What became of one request: each of its headers, and its trace.

mod by_answer;
mod by_spans;
mod fate;

use std::collections::BTreeSet;

pub(crate) use by_answer::judge as by_answer;
pub(crate) use by_spans::judge as by_spans;
pub(crate) use fate::Fate;

use super::answer::Answer;
use super::diagnosis::Code;
use super::learned::{Entry, Timing, Trace};
use super::probe::Sent;

/// By which way it is known what became of a request.
#[derive(Clone, Debug)]
pub(crate) enum Learned {
    /// Our layer answered.
    Answer(Box<Answer>),
    /// A collector has spans.
    Spans(Found),
    /// Not at all.
    Nothing,
}

/// What a collector has of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// In the phone's trace.
    pub(crate) here: Trace,
    /// In the trace that the service's `Server-Timing` names, if that is another one.
    pub(crate) elsewhere: Option<Entry>,
    pub(crate) timing: Option<Timing>,
}

impl Found {
    /// The service's span, in whichever trace.
    pub(crate) fn entry(&self) -> Option<&Entry> {
        self.here.entry.as_ref().or(self.elsewhere.as_ref())
    }
}

/// What became of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    /// Of each header that was sent; none if nothing is known.
    pub(crate) fates: Vec<(&'static str, Fate)>,
    pub(crate) codes: BTreeSet<Code>,
    pub(crate) is_known: bool,
}

/// Judges a request by what was learned of it.
pub(crate) fn judge(sent: &Sent, learned: &Learned) -> Judgement {
    let mut judgement = match learned {
        Learned::Answer(answer) => by_answer(sent, answer),
        Learned::Spans(found) => by_spans(sent, found),
        Learned::Nothing => return Judgement::default(),
    };
    let lost = |(_, fate): &(&str, Fate)| *fate == Fate::Missing;
    if !judgement.fates.is_empty() && judgement.fates.iter().all(lost) {
        judgement.codes.insert(Code::StripsEverything);
    }
    judgement
}

impl Judgement {
    fn of(fates: Vec<(&'static str, Fate)>) -> Self {
        let codes = fates.iter().filter_map(|(name, fate)| fate.code(name));
        Judgement {
            codes: codes.collect(),
            fates,
            is_known: true,
        }
    }

    pub(crate) fn has(&self, code: Code) -> bool {
        self.codes.contains(&code)
    }

    /// Nothing of the headers was lost, as far as is known.
    fn is_whole(&self) -> bool {
        self.fates.iter().all(|(_, fate)| fate.is_whole())
    }
}
