//! `cargo run -p example-actix-service`, then ask it as a phone would:
//!
//! ```text
//! curl http://127.0.0.1:8080/items/42 \
//!   -H 'traceparent: 00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01' \
//!   -H 'tracestate: rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1'
//! ```
//!
//! Spans go to a collector on `http://localhost:4318`, or to where
//! `OTEL_EXPORTER_OTLP_ENDPOINT` says.

use std::error::Error;
use std::net::TcpListener;
use std::time::Duration;

use rum_trace::actix::RumTrace;
use rum_trace::otlp::Pipeline;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::builder().service_name("shop").install()?;

    // It ends with Ctrl-C, or gracefully with the SIGTERM that Kubernetes and
    // systemd send.
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    example_actix_service::server(RumTrace::default(), listener)?.await?;

    // What is still queued goes out now, or is counted in the error.
    pipeline.shutdown(Duration::from_secs(5))?;
    Ok(())
}
