//! What became of one request: each of its headers, and its trace.

mod by_answer;
mod by_spans;
mod fate;

use std::collections::BTreeSet;

pub(crate) use fate::Fate;

use super::answer::Answer;
use super::diagnosis::Code;
use super::learned::Trace;
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
    pub(crate) elsewhere: Option<Trace>,
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
        Learned::Answer(answer) => by_answer::judge(sent, answer),
        Learned::Spans(found) => by_spans::judge(sent, found),
        Learned::Nothing => return Judgement::default(),
    };
    judgement.is_known = true;
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

    /// Nothing of the headers was lost, as far as is known.
    fn is_whole(&self) -> bool {
        self.fates.iter().all(|(_, fate)| fate.is_whole())
    }
}
