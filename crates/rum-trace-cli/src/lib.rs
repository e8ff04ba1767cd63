//! The `rum-trace` command, as a library for its own binary and for fuzzing: it
//! promises nothing to anybody else.
#![doc(hidden)]

mod analysis;
mod causes;
mod cli;
mod collector;
mod decode;
mod demo;
pub mod fuzzing;
mod http;
mod loopback;
mod print;
mod terminal;
mod tree;
mod verify;
mod view;

use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Demo(args) => demo::main(&args),
        Command::View(args) => view::main(&args),
        Command::Verify(args) => verify::main(&args),
        Command::Decode(args) => decode::main(&args),
        Command::Completions(args) => cli::completions(&args),
    }
}
