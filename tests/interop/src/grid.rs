//! A table of cells with columns of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::table::{self, Cell};

#[derive(Clone, Debug)]
pub(crate) struct Grid {
    /// What its cells' names begin with.
    pub(crate) name: &'static str,
    /// Above the rows' titles.
    pub(crate) corner: &'static str,
    pub(crate) columns: Vec<Column>,
    /// Above the rows' notes, if they have any.
    pub(crate) notes: Option<&'static str>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) title: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) title: String,
    /// In the order of the columns.
    pub(crate) cells: Vec<Cell>,
    pub(crate) note: &'static str,
}

/// A cell's name, by which it is chosen and known.
pub(crate) fn cell(table: &str, row: &str, column: &str) -> String {
    format!("{table}/{row}/{column}")
}

impl Grid {
    /// A table in Markdown, and below it the reasons of what is no pass.
    pub(crate) fn markdown(&self, known: &BTreeMap<String, String>) -> String {
        let mut lines = vec![self.head()];
        lines.push(lines.iter().flatten().map(|_| "---".to_owned()).collect());
        lines.extend(self.rows.iter().map(|row| self.line(row)));
        let mut text = table::aligned(&lines);
        let cells = self.cells();
        for reason in cells.filter_map(|(name, cell)| table::reason(&name, cell, known)) {
            let _ = write!(text, "\n- {reason}");
        }
        text
    }

    /// Whether each cell that fails has its reason on record, and none has that passes.
    pub(crate) fn is_as_known(&self, known: &BTreeMap<String, String>) -> bool {
        let mut cells = self.cells();
        cells.all(|(name, cell)| table::is_known(&name, cell, known))
    }

    fn cells(&self) -> impl Iterator<Item = (String, &Cell)> {
        self.rows.iter().flat_map(move |row| {
            let cells = self.columns.iter().zip(&row.cells);
            cells.map(|(column, it)| (cell(self.name, &row.name, &column.name), it))
        })
    }

    fn head(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|column| column.title.as_str());
        let all = [self.corner].into_iter().chain(columns).chain(self.notes);
        all.map(str::to_owned).collect()
    }

    fn line(&self, row: &Row) -> Vec<String> {
        let cells = row.cells.iter().map(|cell| table::word(cell).to_owned());
        let all = [row.title.clone()].into_iter().chain(cells);
        all.chain(self.notes.map(|_| row.note.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(cell: Cell) -> Grid {
        let column = |name: &str| Column {
            name: name.into(),
            title: name.to_uppercase(),
        };
        Grid {
            name: "between",
            corner: "gateway",
            columns: vec![column("a"), column("b")],
            notes: Some("what arrives"),
            rows: vec![Row {
                name: "pass".into(),
                title: "as it is".into(),
                cells: vec![Cell::Pass, cell],
                note: "all",
            }],
        }
    }

    #[test]
    fn a_cell_must_be_as_recorded() {
        let none = BTreeMap::new();
        let known = BTreeMap::from([("between/pass/b".to_owned(), "why".to_owned())]);
        let failed = || grid(Cell::Fail("broken".into()));
        assert!(grid(Cell::Pass).is_as_known(&none));
        assert!(!grid(Cell::Pass).is_as_known(&known));
        assert!(!failed().is_as_known(&none));
        assert!(failed().is_as_known(&known));
    }

    #[test]
    fn rows_have_their_notes_and_reasons() {
        let expected = "\
| gateway  | A    | B    | what arrives |
| ---      | ---  | ---  | ---          |
| as it is | pass | fail | all          |

- between/pass/b: broken";
        let text = grid(Cell::Fail("broken".into())).markdown(&BTreeMap::new());
        assert_eq!(text, expected);
    }
}
