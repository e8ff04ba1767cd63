//! The whole run: Collector, rows, verdict, table.

use std::path::Path;

use crate::case::Column;
use crate::collector::Collector;
use crate::judge::{judge, strays};
use crate::known;
use crate::peer::{self, Peer};
use crate::row::{self, World};
use crate::spans::Span;
use crate::table::{Cell, Row};
use crate::{BoxError, Choice, Run, between, chain, docs, forms, pages, segments, table};

/// The marks of the tables' places in the docs.
pub(crate) const BLOCKS: [&str; 4] = ["the matrix", "the browser", "the gateways", "the chain"];

/// For `run`, which installs it.
pub(crate) fn needs(choice: &Choice) -> Result<(), BoxError> {
    if between::is_chosen(choice) || chain::is_chosen(choice) {
        println!("nginx");
    }
    if pages::is_chosen(choice) || chain::is_chosen(choice) {
        println!("browser");
    }
    Ok(())
}

/// What was done, until the Collector has ended.
struct Done {
    rows: Vec<Made>,
    pages: pages::Done,
    between: between::Done,
    chain: chain::Done,
}

/// What was sent for a row.
enum Made {
    Calls(Vec<row::Made>),
    Forms(Vec<forms::Made>),
}

/// Returns whether all cells are as they must be.
pub(crate) fn run(run: &Run) -> Result<bool, BoxError> {
    if run.write_docs && !run.choice.is_all() {
        return Err("only the whole matrix is written into the docs".into());
    }
    let peers = peer::all()?;
    let peers: Vec<_> = peers
        .into_iter()
        .filter(|peer| run.choice.has_row(peer))
        .collect();
    let folder = run.installed.join("last-run");
    std::fs::create_dir_all(&folder)?;
    let collector = Collector::start(&run.installed.join("collector/otelcol"), &folder)?;
    let done = everything(run, &collector, &folder, &peers);
    // The verdict is on what there is when everybody has ended and sent what they had.
    let spans = collector.stop()?;
    let done = done?;
    let rows: Vec<_> = peers
        .iter()
        .zip(&done.rows)
        .map(|(peer, made)| verdict(run, peer, made, &spans))
        .collect();
    let grids = [
        done.pages.table(&run.choice, &spans),
        done.between.table(&run.choice, &spans),
        done.chain.table(&run.choice, &spans),
    ];
    let known = known::reasons()?;
    let [matrix, browser, gateways, chain] = BLOCKS;
    let [pages, between, longest] = grids.each_ref().map(|grid| grid.markdown(&known));
    let tables = [
        (matrix, table::markdown(&rows, &known)),
        (browser, pages),
        (gateways, between),
        (chain, longest),
    ];
    let sizes = [rows.len()]
        .into_iter()
        .chain(grids.iter().map(|grid| grid.rows.len()));
    for ((_, table), _) in tables.iter().zip(sizes).filter(|(_, size)| *size > 0) {
        println!("{}\n", table.trim_end());
    }
    let grids = grids.iter().all(|grid| grid.is_as_known(&known));
    let is_good = table::is_as_known(&rows, &known) && grids;
    match (run.write_docs, is_good) {
        (true, true) => docs::write(&blocks(tables, &done), &run.date)?,
        (true, false) => eprintln!("docs/INTEROP.md stays as it is: not all is as it must be"),
        (false, _) => {}
    }
    Ok(is_good)
}

/// Each table with what else was there, as the docs say it.
fn blocks(tables: [docs::Block; 4], done: &Done) -> Vec<docs::Block> {
    let with = [
        None,
        done.pages.with(),
        done.between.with(),
        done.chain.with(),
    ];
    let blocks = tables.into_iter().zip(with);
    blocks
        .map(|((name, table), with)| {
            let with = with.map(|with| format!(", {with}")).unwrap_or_default();
            (name, format!("{with}:\n\n{}", table.trim_end()))
        })
        .collect()
}

fn everything(
    run: &Run,
    collector: &Collector,
    folder: &Path,
    peers: &[Peer],
) -> Result<Done, BoxError> {
    let runtime = tokio::runtime::Runtime::new()?;
    let world = World {
        collector,
        segments: runtime.block_on(segments::serve(&collector.http()))?,
        behind: runtime.block_on(forms::serve())?,
        installed: &run.installed,
        folder,
        runtime: runtime.handle().clone(),
        client: reqwest::Client::builder().no_proxy().build()?,
        show: run.show,
    };
    Ok(Done {
        rows: rows(run, &world, peers),
        pages: pages::run(&world, run),
        between: between::run(&world, &run.choice),
        chain: chain::run(&world, run),
    })
}

fn rows(run: &Run, world: &World<'_>, peers: &[Peer]) -> Vec<Made> {
    let row = |peer: &Peer| {
        println!("{} …", peer.name);
        match peer.about.not_had {
            Some(_) => Made::Forms(forms::run(world, peer, &run.choice)),
            None => Made::Calls(row::run(world, peer, &run.choice)),
        }
    };
    peers.iter().map(row).collect()
}

fn verdict(run: &Run, peer: &Peer, made: &Made, spans: &[Span]) -> Row {
    let cell = |column| {
        if !run.choice.has(peer, column) || !peer.has_side(column.side) {
            return Cell::NotRun;
        }
        match made {
            Made::Calls(made) => called(made, column, spans),
            Made::Forms(made) => played(made, column, spans),
        }
    };
    let not_had = peer.about.not_had.as_ref();
    let not_had = not_had.map(|tried| format!("not had: {tried}"));
    Row {
        name: peer.name.clone(),
        title: peer.title(),
        notes: not_had.into_iter().chain(peer.about.note.clone()).collect(),
        cells: Column::ALL.map(cell),
    }
}

fn called(made: &[row::Made], column: Column, spans: &[Span]) -> Cell {
    let mut requests = made.iter().filter(|it| it.column == column).peekable();
    if requests.peek().is_none() {
        return Cell::Fail("nothing was sent".into());
    }
    let failed = requests.find_map(|made| reason(made, spans));
    failed.map_or(Cell::Pass, Cell::Fail)
}

fn played(made: &[forms::Made], column: Column, spans: &[Span]) -> Cell {
    let mut requests = made.iter().filter(|it| it.column == column).peekable();
    if requests.peek().is_none() {
        return Cell::NotHad;
    }
    let failed = requests.find_map(|made| {
        let verdict = made.outcome.clone();
        let verdict = verdict.and_then(|expected| forms::judge(spans, &expected));
        let reason = verdict.err()?;
        Some(format!("{}: {reason}", made.name))
    });
    failed.map_or(Cell::FormPass, Cell::FormFail)
}

/// Why a request did not make the trace that it must make.
fn reason(made: &row::Made, spans: &[Span]) -> Option<String> {
    let failed = match &made.outcome {
        Ok(expected) => judge(spans, expected).err().map(|reason| {
            let new = spans.get(made.spans.clone()).unwrap_or_default();
            match strays(new, expected) {
                Some(stray) => format!("{reason}; {stray}"),
                None => reason,
            }
        }),
        Err(reason) => Some(reason.clone()),
    };
    failed.map(|reason| format!("{}: {reason}", made.case))
}
