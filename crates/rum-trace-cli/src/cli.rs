//! The command line.

use std::ffi::OsString;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::verify::VerifyArgs;

/// Traces of real user monitoring SDKs: seen and explained.
#[derive(Debug, Parser)]
#[command(name = "rum-trace", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Decode(DecodeArgs),
    // Boxed, since it has many.
    Verify(Box<VerifyArgs>),
}

/// See whole traces: phones, two services and a collector
///
/// Starts, on free ports of this machine's loopback interface, a collector for
/// OTLP over HTTP and two axum services: a shop, and a stock service that the
/// shop calls. Phones of each kind then ask the shop over HTTP, with the headers
/// that real RUM SDKs send. What the services export is joined and drawn, tap by
/// tap: the phone's own span on top, and the spans of both services under it.
///
/// A tap is continued if the collector received the shop's SERVER span with the
/// phone's trace id and the phone's span as its parent, what the phone tells of
/// app, session and user on it, and the same trace in the stock service where
/// the shop calls it. A tap that is not sampled is continued if the services say
/// so in their answer and export nothing.
#[derive(Args, Debug)]
#[command(after_help = DEMO_EXAMPLES)]
pub(crate) struct DemoArgs {
    /// End after one round
    #[arg(long, conflicts_with = "every")]
    pub(crate) once: bool,

    /// How long to wait between two rounds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 2,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub(crate) every: u64,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  rum-trace demo --once
  rum-trace demo --every 10

Exit status:
  0  every tap was continued
  1  at least one was not, or --once was interrupted
  2  wrong usage, a service could not start, or output failed";

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
#[command(after_help = DECODE_EXAMPLES)]
pub(crate) struct DecodeArgs {
    /// Print one JSON object a header, each on one line
    #[arg(long)]
    pub(crate) json: bool,

    /// Headers as 'name: value'; without any, standard input is read
    #[arg(value_name = "HEADER")]
    pub(crate) headers: Vec<OsString>,
}

const DECODE_EXAMPLES: &str = "\
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
