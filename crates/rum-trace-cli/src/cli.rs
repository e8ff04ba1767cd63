//! The command line.

use std::ffi::OsString;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

/// Trace headers of real user monitoring SDKs: explained.
#[derive(Debug, Parser)]
#[command(name = "rum-trace", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Decode(DecodeArgs),
}

/// Explain trace headers
///
/// Takes headers as arguments, or one a line on standard input, and tells what
/// each says: ids, the sampling decision, app, session and user, or which part
/// is malformed and at which byte.
///
/// Known are traceparent, tracestate, baggage, sw8, sw8-x, sw8-correlation, b3,
/// x-b3-traceid, x-b3-spanid, x-b3-parentspanid, x-b3-sampled, x-b3-flags and uber-trace-id,
/// in any case. Empty lines are skipped.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DecodeArgs {
    /// Print one JSON object a header, each on one line
    #[arg(long)]
    pub(crate) json: bool,

    /// Headers as 'name: value'; without any, standard input is read
    #[arg(value_name = "HEADER")]
    pub(crate) headers: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  rum-trace decode 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  rum-trace decode 'tracestate: rum=v2&browser&shop@1f2e3d&4f04d2f50a9d4f67&uid_1'
  rum-trace decode --json < headers.txt | jq .trace_id

Exit status:
  0  every header is well formed
  1  at least one is malformed or no trace header; all are answered first
  2  wrong usage, or input or output failed";

/// The help of one command, as `--help` prints it.
pub(crate) fn help_of(command: &str) -> String {
    let mut cli = Cli::command();
    // So that the usage line names the whole command.
    cli.build();
    cli.find_subcommand_mut(command)
        .map(|found| found.render_long_help().to_string())
        .unwrap_or_default()
}
