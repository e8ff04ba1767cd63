//! The result, to be read by people.

use std::fmt;

use crate::Field;
use crate::check::Verdict;

/// One decoder.
#[derive(Clone, Debug)]
pub struct Row {
    /// The agent.
    pub peer: &'static str,
    /// Which of its versions.
    pub version: String,
    /// The fields that its decoder has.
    pub exposes: &'static [Field],
    /// How it did.
    pub verdict: Verdict,
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Table(pub Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["peer", "version", "headers", "taken", "read back", "result"];
        line(f, &head.map(str::to_owned), "its decoder has no")?;
        for row in &self.0 {
            let verdict = &row.verdict;
            let back = match verdict.written {
                0 => "-".to_owned(),
                written => format!("{}/{written}", verdict.read_back),
            };
            let result = if verdict.is_good() { "ok" } else { "WRONG" };
            let cells = [
                row.peer.to_owned(),
                row.version.clone(),
                verdict.given.to_string(),
                verdict.taken.to_string(),
                back,
                result.to_owned(),
            ];
            line(f, &cells, &missing(row.exposes))?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, cells: &[String; 6], rest: &str) -> fmt::Result {
    let [peer, version, headers, taken, back, result] = cells;
    writeln!(
        f,
        "{peer:<34}{version:<9}{headers:>8}{taken:>7}{back:>11}  {result:<7}{rest}"
    )
}

/// What a decoder with these fields does not have.
fn missing(exposes: &[Field]) -> String {
    let missing = Field::ALL
        .iter()
        .filter(|field| !exposes.contains(field))
        .map(ToString::to_string);
    match missing.collect::<Vec<_>>() {
        fields if fields.is_empty() => "-".to_owned(),
        fields => fields.join(", "),
    }
}
