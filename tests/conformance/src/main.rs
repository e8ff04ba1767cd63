//! `cargo run -p rum-trace-conformance -- axum --port 7000`, or `actix`.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};

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
    Actix,
    Axum,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    rum_trace_conformance::install_tracing();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))?;
    let address = listener.local_addr()?;
    writeln!(std::io::stdout(), "listening on http://{address}/test")?;
    match arguments.framework {
        Framework::Actix => rum_trace_conformance::actix_server(listener)?.await,
        Framework::Axum => {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, rum_trace_conformance::axum_router()).await
        }
    }
}
