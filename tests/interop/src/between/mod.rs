//! What stands between a phone and our services, and what it does to the trace.

mod behind;
mod expected;
mod mode;
mod sent;
mod trace;

use self::mode::Mode;
use self::trace::Trace;
use crate::case::Framework;
use crate::grid::{self, Grid};
use crate::nginx::Version;
use crate::peer::Protocol;
use crate::row::World;
use crate::spans::Span;
use crate::table::Cell;
use crate::{BoxError, Choice};

/// What the cells' names begin with.
const TABLE: &str = "between";

/// The gateway example, as cargo builds it beside us.
const OURS: &str = "gateway";

const COLUMNS: [Column; 4] = [
    Column::new(Protocol::W3c, Framework::Axum),
    Column::new(Protocol::W3c, Framework::Actix),
    Column::new(Protocol::Sw8, Framework::Axum),
    Column::new(Protocol::Sw8, Framework::Actix),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Column {
    speaks: Protocol,
    framework: Framework,
}

impl Column {
    const fn new(speaks: Protocol, framework: Framework) -> Self {
        Column { speaks, framework }
    }

    fn name(self) -> String {
        let speaks = match self.speaks {
            Protocol::W3c => "w3c",
            Protocol::Sw8 => "sw8",
        };
        format!("{speaks}-{}", self.framework.name())
    }

    fn title(self) -> String {
        match self.speaks {
            Protocol::W3c => format!("W3C {}", self.framework.name()),
            Protocol::Sw8 => format!("sw8 {}", self.framework.name()),
        }
    }
}

/// A request that was made, until the Collector's file is judged.
#[derive(Debug)]
struct Made {
    mode: Mode,
    column: Column,
    sent: &'static str,
    /// What must be in the file, or why that is not looked at.
    outcome: Result<Trace, String>,
}

/// The requests of a run.
#[derive(Debug)]
pub(crate) struct Done {
    version: Option<Version>,
    made: Vec<Made>,
}

/// Whether a cell of this table is to be run.
pub(crate) fn is_chosen(choice: &Choice) -> bool {
    Mode::ALL.iter().any(|&mode| has_row(choice, mode))
}

fn has_row(choice: &Choice, mode: Mode) -> bool {
    COLUMNS.iter().any(|&column| has(choice, mode, column))
}

fn has(choice: &Choice, mode: Mode, column: Column) -> bool {
    let cell = grid::cell(TABLE, mode.name(), &column.name());
    choice.wants(&cell, mode.is_quick())
}

/// Runs the chosen cells.
pub(crate) fn run(world: &World<'_>, choice: &Choice) -> Done {
    let version = Version::of_this_machine();
    let mut made = Vec::new();
    for framework in [Framework::Axum, Framework::Actix] {
        let columns = COLUMNS.iter().filter(|it| it.framework == framework);
        let cells = columns.flat_map(|&column| Mode::ALL.map(|mode| (mode, column)));
        let cells = cells.filter(|&(mode, column)| has(choice, mode, column));
        let cells: Vec<_> = cells.collect();
        let done = match &version {
            _ if cells.is_empty() => Ok(Vec::new()),
            Ok(version) => behind::run(world, framework, &cells, *version),
            Err(error) => Err(error.to_string().into()),
        };
        made.extend(done.unwrap_or_else(|error: BoxError| failed(&cells, &error)));
    }
    let version = version.ok();
    Done { version, made }
}

fn failed(cells: &[(Mode, Column)], reason: &BoxError) -> Vec<Made> {
    let made = |&(mode, column)| Made {
        mode,
        column,
        sent: "all",
        outcome: Err(reason.to_string()),
    };
    cells.iter().map(made).collect()
}

impl Done {
    /// The verdict, when everybody has ended.
    pub(crate) fn table(&self, choice: &Choice, spans: &[Span]) -> Grid {
        let row = |mode: Mode| grid::Row {
            name: mode.name().to_owned(),
            title: mode.title().to_owned(),
            cells: COLUMNS
                .map(|column| self.cell(choice, mode, column, spans))
                .to_vec(),
            note: self.version.map_or("", |version| mode.arrives(version)),
        };
        let column = |column: Column| grid::Column {
            name: column.name(),
            title: column.title(),
        };
        let modes = Mode::ALL.into_iter();
        Grid {
            name: TABLE,
            corner: "between",
            columns: COLUMNS.map(column).to_vec(),
            notes: Some("what arrives"),
            rows: modes
                .filter(|&mode| has_row(choice, mode))
                .map(row)
                .collect(),
        }
    }

    /// For the docs: which nginx it was.
    pub(crate) fn with(&self) -> Option<String> {
        Some(format!("nginx {}", self.version?))
    }

    fn cell(&self, choice: &Choice, mode: Mode, column: Column, spans: &[Span]) -> Cell {
        if !has(choice, mode, column) {
            return Cell::NotRun;
        }
        let of_cell = |it: &&Made| it.mode == mode && it.column == column;
        let mut made = self.made.iter().filter(of_cell).peekable();
        if made.peek().is_none() {
            return Cell::Fail("nothing was sent".into());
        }
        made.find_map(|it| it.failed(spans))
            .map_or(Cell::Pass, Cell::Fail)
    }
}

impl Made {
    fn failed(&self, spans: &[Span]) -> Option<String> {
        let failed = match &self.outcome {
            Ok(trace) => trace.judge(spans).err(),
            Err(reason) => Some(reason.clone()),
        };
        failed.map(|reason| format!("{}: {reason}", self.sent))
    }
}
