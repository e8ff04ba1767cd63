//! What a decoder reads, beside what we meant; and what it writes, beside what
//! we read.

use rum_trace_propagation::sw8::MAX_LEN;

use crate::{Answer, Field, Fields, Onward, Sent, read};

/// How a decoder did.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// How many headers it was given.
    pub given: usize,
    /// How many of them it took, with all its fields as we meant them.
    pub taken: usize,
    /// How many headers it wrote itself.
    pub written: usize,
    /// How many of those we read as it meant them.
    pub read_back: usize,
    /// What went wrong, a line for each.
    pub wrong: Vec<String>,
}

impl Verdict {
    /// Whether everything was as it should be, and not nothing.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.wrong.is_empty()
            && self.given > 0
            && self.taken == self.given
            && self.read_back == self.written
    }
}

/// Judges the answers of a decoder that has these fields.
#[must_use]
pub fn check(sent: &[Sent], answers: &[Answer], exposes: &[Field]) -> Verdict {
    let mut verdict = Verdict {
        given: sent.len(),
        ..Verdict::default()
    };
    if answers.len() != sent.len() {
        let wrong = format!("{} answers to {} headers", answers.len(), sent.len());
        verdict.wrong.push(wrong);
    }
    for (sent, answer) in sent.iter().zip(answers) {
        verdict.add(sent, answer, exposes);
    }
    verdict
}

impl Verdict {
    fn add(&mut self, sent: &Sent, answer: &Answer, exposes: &[Field]) {
        let differs = differences(sent, answer, exposes);
        self.taken += usize::from(differs.is_empty());
        if let Answer::Read {
            fields,
            onward: Some(onward),
            ..
        } = answer
        {
            self.written += 1;
            let lost = lost(sent, fields, onward);
            self.read_back += usize::from(lost.is_empty());
            self.note(sent, &lost);
        }
        self.note(sent, &differs);
    }

    fn note(&mut self, sent: &Sent, wrong: &[String]) {
        let line = |wrong: &String| {
            let line = format!("{}: {wrong}; {:?}", sent.case, sent.headers);
            // Some of what is sent is long.
            line.chars().take(1_000).collect::<String>()
        };
        self.wrong.extend(wrong.iter().map(line));
    }
}

/// What a decoder did not read as we meant it.
fn differences(sent: &Sent, answer: &Answer, exposes: &[Field]) -> Vec<String> {
    let (valid, fields) = match answer {
        Answer::Refused { error } => return vec![format!("refused: {error}")],
        Answer::Read { valid, fields, .. } => (*valid, fields),
    };
    let mut wrong = Vec::new();
    if !valid {
        wrong.push("not valid".to_owned());
    }
    let bytes = sent.headers.sw8.len();
    if bytes >= MAX_LEN {
        wrong.push(format!("{bytes} bytes are too long"));
    }
    // Base64 goes by four, and the longest character has as many.
    if sent.meant.is_cut() && bytes < MAX_LEN - 16 {
        wrong.push(format!("{bytes} bytes, more is cut than need be"));
    }
    let has: Vec<Field> = fields.keys().copied().collect();
    if has != exposes {
        wrong.push(format!("gives {has:?} instead of {exposes:?}"));
    }
    let differ = fields
        .iter()
        .filter(|(field, value)| !sent.meant.is(**field, value))
        .map(|(field, value)| format!("{field} read as {value}, meant {:?}", sent.meant));
    wrong.extend(differ);
    wrong
}

/// What we did not read as an agent meant it, and where it does not write what
/// we wrote though it means the same.
fn lost(sent: &Sent, read_there: &Fields, onward: &Onward) -> Vec<String> {
    let ours = match read(&onward.headers) {
        Ok(fields) => fields,
        Err(error) => return vec![format!("we refuse {:?}: {error}", onward.headers)],
    };
    let mut wrong: Vec<String> = onward
        .fields
        .iter()
        .filter(|(field, value)| ours.get(field) != Some(value))
        .map(|(field, value)| format!("wrote {field} {value}, we read {:?}", ours.get(field)))
        .collect();
    let same = read_there
        .iter()
        .all(|(field, value)| *field == Field::Sample || onward.fields.get(field) == Some(value));
    // Agents for Python and Node.js always write that the trace is sampled.
    if same && onward.headers.sw8.get(1..) != sent.headers.sw8.get(1..) {
        wrong.push(format!("writes the same as {:?}", onward.headers));
    }
    wrong
}
