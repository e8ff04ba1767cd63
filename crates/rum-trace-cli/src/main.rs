//! The `rum-trace` command.

mod cli;
mod decode;

use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Decode(args) => decode::main(&args),
    }
}
