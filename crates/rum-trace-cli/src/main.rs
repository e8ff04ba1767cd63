//! The `rum-trace` command.

mod cli;
mod collector;
mod decode;
mod demo;
mod loopback;
mod terminal;
mod tree;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Demo(args) => demo::main(&args),
        Command::Decode(args) => decode::main(&args),
        Command::Verify(args) => verify::main(&args),
    }
}
