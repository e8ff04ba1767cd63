//! The matrix as people read it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::case::Column;

/// What became of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// The agent with its version.
    pub(crate) title: String,
    /// What was tried to have it, and what else must be known of it.
    pub(crate) notes: Vec<String>,
    /// In the order of [`Column::ALL`].
    pub(crate) cells: [Cell; 4],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Pass,
    Fail(String),
    /// The harness played the system, which cannot be had.
    FormPass,
    FormFail(String),
    /// It cannot be had, and nothing is known to play.
    NotHad,
    /// Nobody asked for it.
    NotRun,
}

impl Row {
    /// The cells with their names.
    fn cells(&self) -> impl Iterator<Item = (String, &Cell)> {
        let name = |column: Column| format!("{}/{}", self.name, column.name());
        Column::ALL.into_iter().map(name).zip(&self.cells)
    }
}

/// A table in Markdown, and below it the reasons of what is no pass.
pub(crate) fn markdown(rows: &[Row], known: &BTreeMap<String, String>) -> String {
    let titles = Column::ALL.map(|column| column.name().replace('-', " "));
    let mut lines = vec![line("peer", &titles)];
    lines.push(
        ["peer".to_owned()]
            .iter()
            .chain(&titles)
            .map(|_| "---".to_owned())
            .collect(),
    );
    lines.extend(
        rows.iter()
            .map(|row| line(&row.title, &row.cells.each_ref().map(word))),
    );
    let mut text = aligned(&lines);
    for reason in reasons(rows, known) {
        let _ = write!(text, "\n- {reason}");
    }
    text
}

/// Whether each cell that fails has its reason on record, and none has that passes.
pub(crate) fn is_as_known(rows: &[Row], known: &BTreeMap<String, String>) -> bool {
    let mut cells = rows.iter().flat_map(Row::cells);
    cells.all(|(name, cell)| is_known(&name, cell, known))
}

/// Whether a cell that fails has its reason on record, or passes without one.
pub(crate) fn is_known(name: &str, cell: &Cell, known: &BTreeMap<String, String>) -> bool {
    match cell {
        Cell::Pass | Cell::FormPass => !known.contains_key(name),
        Cell::Fail(_) | Cell::FormFail(_) => known.contains_key(name),
        Cell::NotHad | Cell::NotRun => true,
    }
}

fn line(first: &str, rest: &[impl AsRef<str>]) -> Vec<String> {
    let first = [first].into_iter();
    first
        .chain(rest.iter().map(AsRef::as_ref))
        .map(str::to_owned)
        .collect()
}

pub(crate) fn word(cell: &Cell) -> &'static str {
    match cell {
        Cell::Pass => "pass",
        Cell::Fail(_) => "fail",
        Cell::FormPass => "form: pass",
        Cell::FormFail(_) => "form: fail",
        Cell::NotHad => "not had",
        Cell::NotRun => "–",
    }
}

pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let lengths = lines.iter().filter_map(|line| line.get(column));
        lengths
            .map(|text| text.chars().count())
            .max()
            .unwrap_or_default()
    };
    let mut text = String::new();
    for line in lines {
        for (column, cell) in line.iter().enumerate() {
            let _ = write!(text, "| {cell:<width$} ", width = width(column));
        }
        text.push_str("|\n");
    }
    text
}

fn reasons(rows: &[Row], known: &BTreeMap<String, String>) -> Vec<String> {
    let mut reasons = Vec::new();
    for row in rows {
        reasons.extend(row.notes.iter().map(|note| format!("{}: {note}", row.name)));
        for (name, cell) in row.cells() {
            reasons.extend(reason(&name, cell, known));
        }
    }
    reasons
}

/// Why a cell is not as it should be.
pub(crate) fn reason(name: &str, cell: &Cell, known: &BTreeMap<String, String>) -> Option<String> {
    match (cell, known.get(name)) {
        (Cell::Fail(reason) | Cell::FormFail(reason), Some(why)) => {
            Some(format!("{name}: {why} ({reason})"))
        }
        (Cell::Fail(reason) | Cell::FormFail(reason), None) => Some(format!("{name}: {reason}")),
        (Cell::Pass | Cell::FormPass, Some(_)) => Some(format!(
            "{name}: passes, though known.json has a reason why not"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cell: Cell) -> Row {
        let cells = [Cell::Pass, cell, Cell::Pass, Cell::NotRun];
        Row {
            name: "peer".into(),
            title: "Peer 1.0".into(),
            notes: vec!["not had: asked".into()],
            cells,
        }
    }

    #[test]
    fn a_cell_must_be_as_recorded() {
        let none = BTreeMap::new();
        let known = BTreeMap::from([("peer/before-actix".to_owned(), "why".to_owned())]);
        let table = [
            (Cell::Pass, &none, true),
            (Cell::Pass, &known, false),
            (Cell::Fail("x".into()), &none, false),
            (Cell::Fail("x".into()), &known, true),
            (Cell::FormPass, &none, true),
            (Cell::FormFail("x".into()), &none, false),
            (Cell::NotHad, &none, true),
        ];
        for (cell, known, good) in table {
            assert_eq!(is_as_known(&[row(cell.clone())], known), good, "{cell:?}");
        }
    }

    #[test]
    fn what_is_no_pass_has_its_reason_below() {
        let known = BTreeMap::from([("peer/before-actix".to_owned(), "why".to_owned())]);
        let text = markdown(&[row(Cell::Fail("broken".into()))], &known);
        let expected = "\
| peer     | before axum | before actix | after axum | after actix |
| ---      | ---         | ---          | ---        | ---         |
| Peer 1.0 | pass        | fail         | pass       | –           |

- peer: not had: asked
- peer/before-actix: why (broken)";
        assert_eq!(text, expected);
    }
}
