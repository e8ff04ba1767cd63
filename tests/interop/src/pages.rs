//! Real web SDKs in a real browser, in each of their modes, before our services. What the
//! page, the services and the SDK's own report must say is the browser package's; here the
//! Collector's file.

use rum_trace_interop_browser::drive::{Driven, drive};
use rum_trace_interop_browser::modes::{MODES, Mode};
use rum_trace_interop_browser::{By, Expected, Framework, Verdict};

use crate::grid::{self, Grid};
use crate::row::World;
use crate::spans::{Kind, Span};
use crate::table::Cell;
use crate::{Choice, Run};

/// What the cells' names begin with.
const TABLE: &str = "browser";

#[derive(Clone, Copy, Debug)]
struct Column {
    by: By,
    framework: Framework,
}

impl Column {
    fn all() -> impl Iterator<Item = Self> {
        let of = |by| Framework::ALL.map(|framework| Column { by, framework });
        By::ALL.into_iter().flat_map(of)
    }

    fn name(self) -> String {
        let framework = match self.framework {
            Framework::Axum => "axum",
            Framework::Actix => "actix",
        };
        format!("{}-{framework}", self.by.name())
    }
}

/// The pages of a run, or why there are none.
pub(crate) struct Done(Result<Option<Driven>, String>);

/// Whether a cell of this table is to be run.
pub(crate) fn is_chosen(choice: &Choice) -> bool {
    MODES.iter().any(|mode| has_row(choice, mode))
}

fn has_row(choice: &Choice, mode: &Mode) -> bool {
    Column::all().any(|column| has(choice, mode, column))
}

fn has(choice: &Choice, mode: &Mode, column: Column) -> bool {
    let cell = grid::cell(TABLE, &name(mode), &column.name());
    choice.wants(&cell, mode.quick)
}

/// `arms-rum-browser-tracecontext-unsampled`, for the command line.
fn name(mode: &Mode) -> String {
    let text = format!("{} {}", mode.sdk.package(), mode.name).to_lowercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// Runs the modes of the chosen cells: a page makes all four requests.
pub(crate) fn run(world: &World<'_>, run: &Run) -> Done {
    if !is_chosen(&run.choice) {
        return Done(Ok(None));
    }
    println!("browser …");
    let modes = MODES.iter().filter(|mode| has_row(&run.choice, mode));
    let collector = world.collector.http();
    let driven = drive(&run.tools, modes, Some(&collector));
    let driven = world.runtime.block_on(driven);
    Done(driven.map(Some).map_err(|error| error.to_string()))
}

impl Done {
    /// The verdict, when everybody has ended.
    pub(crate) fn table(&self, choice: &Choice, spans: &[Span]) -> Grid {
        let row = |mode: &Mode| grid::Row {
            name: name(mode),
            title: format!("{}: {}", mode.sdk.package(), mode.name),
            cells: Column::all()
                .map(|column| self.cell(choice, mode, column, spans))
                .collect(),
            note: mode.note,
        };
        let column = |column: Column| grid::Column {
            name: column.name(),
            title: column.name().replace('-', " "),
        };
        let rows = MODES.iter().filter(|mode| has_row(choice, mode));
        Grid {
            name: TABLE,
            corner: "SDK and its mode",
            columns: Column::all().map(column).collect(),
            notes: Some("to know"),
            rows: rows.map(row).collect(),
        }
    }

    /// For the docs: which browser it was, and which SDKs.
    pub(crate) fn with(&self) -> Option<String> {
        let driven = self.0.as_ref().ok()?.as_ref()?;
        Some(driven.versions.clone())
    }

    fn cell(&self, choice: &Choice, mode: &Mode, column: Column, spans: &[Span]) -> Cell {
        if !has(choice, mode, column) {
            return Cell::NotRun;
        }
        match &self.0 {
            Err(error) => Cell::Fail(error.clone()),
            Ok(driven) => {
                let verdicts = driven.iter().flat_map(|driven| &driven.verdicts);
                let verdict = find(verdicts, mode, column);
                let failed = verdict.map_or_else(
                    || Some("nothing was sent".to_owned()),
                    |verdict| reason(verdict, spans),
                );
                failed.map_or(Cell::Pass, Cell::Fail)
            }
        }
    }
}

fn find<'a>(
    mut verdicts: impl Iterator<Item = &'a Verdict>,
    mode: &Mode,
    column: Column,
) -> Option<&'a Verdict> {
    verdicts.find(|it| {
        std::ptr::eq(it.mode, mode) && it.by == column.by && it.framework == column.framework
    })
}

fn reason(verdict: &Verdict, spans: &[Span]) -> Option<String> {
    let seen = verdict.misses.first().cloned();
    seen.or_else(|| in_file(&verdict.expected, spans).err())
}

/// The Collector's file has the request's one span, where the SDK says; none of one that
/// was not sampled.
fn in_file(expected: &Expected, spans: &[Span]) -> Result<(), String> {
    let of_request = |span: &&Span| span.attributes.get("url.path") == Some(&expected.path);
    let found: Vec<&Span> = spans.iter().filter(of_request).collect();
    match (found.as_slice(), expected.sampled) {
        ([], false) => Ok(()),
        ([span], true) if span.kind == Kind::Server => is_where_said(expected, span),
        _ => Err(format!(
            "sampled {}, and the Collector has {} spans of it",
            expected.sampled,
            found.len()
        )),
    }
}

fn is_where_said(expected: &Expected, span: &Span) -> Result<(), String> {
    let (trace, parent) = (&span.trace_id, &span.parent_id);
    let is_there = match &expected.continues {
        Some((of, under)) => (trace, parent) == (of, under),
        None => parent.is_empty(),
    };
    let said = &expected.continues;
    is_there.then_some(()).ok_or_else(|| {
        format!("the Collector has it in trace {trace} under {parent:?}, not {said:?}")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn span(kind: Kind, parent: &str) -> Span {
        Span {
            service: "page".into(),
            trace_id: "t".into(),
            span_id: "s".into(),
            parent_id: parent.into(),
            kind,
            name: "GET".into(),
            attributes: BTreeMap::from([("url.path".to_owned(), "/1".to_owned())]),
            links: Vec::new(),
        }
    }

    #[test]
    fn each_row_has_a_name_of_its_own() {
        let names: BTreeSet<String> = MODES.iter().map(name).collect();
        assert_eq!(names.len(), MODES.len());
    }

    #[test]
    fn the_file_must_have_the_span_where_the_headers_say() {
        let under = |sampled, parent: Option<&str>| Expected {
            path: "/1".into(),
            sampled,
            continues: parent.map(|parent| ("t".to_owned(), parent.to_owned())),
        };
        let child = span(Kind::Server, "p");
        let root = span(Kind::Server, "");
        let client = span(Kind::Client, "p");
        let table: [(Vec<Span>, Expected, bool); 8] = [
            (vec![child.clone()], under(true, Some("p")), true),
            (vec![child.clone()], under(true, Some("q")), false),
            (vec![child.clone()], under(true, None), false),
            (vec![root], under(true, None), true),
            (vec![client], under(true, Some("p")), false),
            (
                vec![child.clone(), child.clone()],
                under(true, Some("p")),
                false,
            ),
            (vec![], under(false, Some("p")), true),
            (vec![child], under(false, Some("p")), false),
        ];
        for (nth, (spans, expected, good)) in table.into_iter().enumerate() {
            assert_eq!(in_file(&expected, &spans).is_ok(), good, "row {nth}");
        }
    }
}
