//! The command line.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::builder::RangedU64ValueParser;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::view;

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
    View(ViewArgs),
    Decode(DecodeArgs),
    Completions(CompletionsArgs),
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

/// Collect traces, and see them in a browser
///
/// Takes OTLP over gRPC and over HTTP into memory, and shows it on a page: the
/// traces as they arrive, the phone's own span on top of each, sessions, who
/// calls whom, and what is missing. Nothing is written to disk. If there is too
/// much, the oldest trace goes.
///
/// It prints its addresses and runs until Ctrl-C. Everything listens on this
/// machine's loopback interface, unless another address is given.
#[derive(Args, Debug)]
#[command(after_help = VIEW_EXAMPLES)]
pub(crate) struct ViewArgs {
    /// Where the page and its JSON API are
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4320")]
    pub(crate) listen: SocketAddr,

    /// Where OTLP over gRPC is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4317")]
    pub(crate) grpc: SocketAddr,

    /// Where OTLP over HTTP is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    pub(crate) http: SocketAddr,

    /// How many traces are kept
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 20_000,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000_000)
    )]
    pub(crate) max_traces: usize,

    /// How much memory the traces may take: 512MiB, 1GiB
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = view::parse_size)]
    pub(crate) max_bytes: usize,

    /// A name by which this machine may be asked, beside localhost and IP addresses
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,

    /// Draw each trace in the terminal, too, once nothing has arrived for it for 2 seconds
    #[arg(long)]
    pub(crate) print: bool,
}

const VIEW_EXAMPLES: &str = "\
Examples:
  rum-trace view
  rum-trace view --print
  rum-trace view --listen 127.0.0.1:0 --grpc 127.0.0.1:0 --http 127.0.0.1:0
  rum-trace view --http 0.0.0.0:4318 --allow-host collector.test --max-bytes 1GiB

Exit status:
  0  it was ended by Ctrl-C or SIGTERM, or by the reader of its output
  2  wrong usage, a port is taken, or output failed";

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell that they are for
    pub(crate) shell: Shell,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  rum-trace completions bash > ~/.local/share/bash-completion/completions/rum-trace
  rum-trace completions zsh > ~/.zfunc/_rum-trace
  rum-trace completions fish > ~/.config/fish/completions/rum-trace.fish";

/// Writes the completions of the whole command.
pub(crate) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rum-trace", &mut script);
    match io::stdout().lock().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "rum-trace completions: {error}");
            ExitCode::from(2)
        }
        _ => ExitCode::SUCCESS,
    }
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
