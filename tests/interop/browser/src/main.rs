//! The pages on their own, without a Collector: prints a table.

#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rum_trace_interop_browser::drive::{Tools, drive};
use rum_trace_interop_browser::modes::{MODES, Mode};
use rum_trace_interop_browser::{BoxError, Verdict, table};

/// Drives real web SDKs in Chromium against our axum and our actix-web service,
/// and prints what became of their traces. The exit status is not zero if a cell
/// is not a pass.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    tools: Tools,
    /// A file for the headers that were sent, in the form of `tests/data/captures`.
    #[arg(long)]
    record: Option<PathBuf>,
    /// W3C and sw8 only.
    #[arg(long)]
    quick: bool,
    /// Only the modes whose name contains this.
    #[arg(long)]
    only: Option<String>,
}

impl Arguments {
    fn wants(&self, mode: &Mode) -> bool {
        let named = self
            .only
            .as_ref()
            .is_none_or(|part| mode.name.contains(part));
        named && (mode.quick || !self.quick)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool, BoxError> {
    let modes = MODES.iter().filter(|mode| arguments.wants(mode));
    let driven = drive(&arguments.tools, modes, None).await?;
    println!("{}", driven.versions);
    println!("{}", table::render(&driven.verdicts));
    if let Some(file) = &arguments.record {
        driven.record(file)?;
    }
    Ok(!driven.verdicts.is_empty() && driven.verdicts.iter().all(Verdict::passes))
}
