//! The interop matrix: real agents before and after our services, and the
//! OpenTelemetry Collector as the judge. `tests/interop/run` installs what it needs
//! and calls it; README.md says how a peer is added.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

mod answer;
mod between;
mod case;
mod chain;
mod collector;
mod counts;
mod docs;
mod forms;
mod grid;
mod judge;
mod known;
mod matrix;
mod nginx;
mod pages;
mod peer;
mod process;
mod row;
mod segments;
mod service;
mod spans;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use rum_trace_interop_browser::drive::Tools;

use crate::service::Setup;

/// What goes wrong outside of the cells.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(about = "One trace across agents that nobody here wrote")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the folders of the peers that a run with these arguments needs.
    Peers(Choice),
    /// Prints what else it needs: `nginx`, `browser`.
    Needs(Choice),
    /// Runs the matrix with what is installed.
    Run(Run),
    /// One of our services, on axum.
    Axum(Setup),
    /// One of our services, on actix-web.
    Actix(Setup),
}

/// Which cells.
#[derive(Args, Clone, Debug)]
pub(crate) struct Choice {
    /// Only the peers that CI runs.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only the cells with one of these in their names, such as `sw-node`,
    /// `sw-node/before-axum`, `between`, `nginx-pass/w3c-axum` or `chain/sw8`; without
    /// any, all.
    pub(crate) cells: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Where `run` has installed the Collector and the peers.
    #[arg(long)]
    pub(crate) installed: PathBuf,
    #[command(flatten)]
    pub(crate) tools: Tools,
    /// Writes the tables into docs/INTEROP.md, if all of it was run.
    #[arg(long)]
    pub(crate) write_docs: bool,
    /// The date that the table in docs/INTEROP.md bears.
    #[arg(long, default_value = "")]
    pub(crate) date: String,
    /// Prints what each service received.
    #[arg(long)]
    pub(crate) show: bool,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Peers(choice) => peer::print(&choice),
        Command::Needs(choice) => matrix::needs(&choice).map(|()| true),
        Command::Run(run) => matrix::run(&run),
        Command::Axum(setup) => service::axum::run(&setup).map(|()| true),
        Command::Actix(setup) => service::actix::run(&setup).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("rum-trace-interop: {error}");
            ExitCode::FAILURE
        }
    }
}
