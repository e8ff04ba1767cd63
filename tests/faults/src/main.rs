//! What becomes of spans when collectors and services fail. See the README.

mod child;
mod collector;
mod cost;
mod load;
mod report;
mod rows;
mod run;
mod service;
mod table;
mod verdict;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::rows::{ROWS, Row};
use crate::run::Outcome;
use crate::service::{Kind, Setup};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Runs the SDK's span processor and rum-trace's through the same faults, over
/// real sockets, and prints what became of the spans. The exit status is not
/// zero if rum-trace misses in a row.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Shorter loads, and rum-trace only: for CI.
    #[arg(long)]
    quick: bool,
    /// Only the rows whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Leave out the measurement of what a span costs.
    #[arg(long)]
    no_cost: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The service under test (used by the table itself).
    #[command(hide = true)]
    Service(Setup),
    /// What a span costs on the export side (used by the table itself).
    #[command(hide = true)]
    Export(cost::ExportSetup),
    /// What a span costs the request thread (used by the table itself).
    #[command(hide = true)]
    Hand(cost::HandSetup),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(Command::Service(setup)) => service::run(setup).map(|()| true),
        Some(Command::Export(setup)) => cost::export(setup).map(|()| true),
        Some(Command::Hand(setup)) => cost::hand(setup).map(|()| true),
        None => all(&arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Everything. False if ours misses somewhere.
fn all(arguments: &Arguments) -> Result<bool, BoxError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut holds = runtime.block_on(rows(arguments))?;
    if !arguments.no_cost && arguments.only.is_none() {
        holds &= cost::measure(arguments.quick)?;
    }
    say(if holds {
        "\nevery row of rum-trace's holds"
    } else {
        "\nrum-trace MISSES: see above"
    });
    Ok(holds)
}

async fn rows(arguments: &Arguments) -> Result<bool, BoxError> {
    say(&table::head());
    let mut holds = true;
    let wanted = |row: &&Row| {
        arguments
            .only
            .as_ref()
            .is_none_or(|only| row.name.contains(only))
    };
    for (number, row) in ROWS.iter().filter(wanted).enumerate() {
        let row = if arguments.quick { row.quick() } else { *row };
        // The yardstick of the latencies: the same service without tracing.
        if number == 0 {
            show("(no tracing)", &run::run(&row, Kind::Nothing).await?);
        }
        if !arguments.quick && row.of.contains(&Kind::Sdk) {
            show(row.name, &run::run(&row, Kind::Sdk).await?);
        }
        if !row.of.contains(&Kind::Ours) {
            continue;
        }
        let ours = run::run(&row, Kind::Ours).await?;
        show(row.name, &ours);
        for miss in verdict::misses(&row, &ours) {
            holds = false;
            say(&format!("    MISSED: {miss}"));
        }
    }
    Ok(holds)
}

fn show(name: &str, outcome: &Outcome) {
    say(&table::line(name, outcome));
    if let Some(reasons) = table::reasons(outcome) {
        say(&format!("    {reasons}"));
    }
    if let Some(last) = outcome
        .second
        .as_ref()
        .and_then(|end| end.farewell.as_ref())
    {
        let books = &last.books;
        say(&format!(
            "    on disk {}; started again: recovered {}, exported {}, lost {}",
            outcome.spooled.max(books.recovered),
            books.recovered,
            books.exported,
            books.lost()
        ));
    }
}

#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
