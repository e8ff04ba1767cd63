//! `cargo run -p rum-trace-conformance -- axum --port 7000`

use std::io::Write;
use std::net::Ipv4Addr;

use clap::{Parser, ValueEnum};

/// The service that W3C's trace-context suite is run against. Point its
/// `SERVICE_ENDPOINT` to `http://127.0.0.1:PORT/test`.
#[derive(Debug, Parser)]
struct Arguments {
    /// The framework whose adapter serves.
    framework: Framework,
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Framework {
    Axum,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    rum_trace_conformance::install_tracing();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
    let address = listener.local_addr()?;
    writeln!(std::io::stdout(), "listening on http://{address}/test")?;
    match arguments.framework {
        Framework::Axum => axum::serve(listener, rum_trace_conformance::router()).await,
    }
}
