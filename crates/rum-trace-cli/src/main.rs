//! The `rum-trace` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    rum_trace_cli::main()
}
