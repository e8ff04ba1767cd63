//! `cargo run -p gateway -- http://127.0.0.1:8080`, then ask it as a phone would:
//!
//! ```text
//! curl http://127.0.0.1:8000/ \
//!   -H 'traceparent: 00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01' \
//!   -H 'tracestate: rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1'
//! ```
//!
//! Spans go to a collector on `http://localhost:4318`, or to where
//! `OTEL_EXPORTER_OTLP_ENDPOINT` says. The arguments are the upstream (`http://`, or
//! `h2c://` for gRPC) and the address to listen on.

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::error::Error;
use std::time::Duration;

use gateway::Gateway;
use rum_trace::Instrumenter;
use rum_trace::otlp::Pipeline;
use rum_trace::serve::Serve;

/// How long the upstream may take to begin its answer.
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let upstream = arguments.next();
    let upstream = upstream.as_deref().unwrap_or("http://127.0.0.1:8080");
    let upstream = upstream.parse()?;
    let address = arguments.next();
    let address = address.as_deref().unwrap_or("127.0.0.1:8000");

    let pipeline = Pipeline::builder().service_name("gateway").install()?;
    let gateway = Gateway::new(Instrumenter::default(), upstream, TIMEOUT);
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);

    // Until Ctrl-C, or the SIGTERM that Kubernetes and systemd send.
    Serve::new(pipeline)
        .run(|stop| gateway.serve(listener, stop))
        .await?;
    Ok(())
}
