//! `cargo run -p axum-service`, then ask it as a phone would:
//!
//! ```text
//! curl http://127.0.0.1:8080/items/42 \
//!   -H 'traceparent: 00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01' \
//!   -H 'tracestate: rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1'
//! ```
//!
//! Spans go to a collector on `http://localhost:4318`, or to where
//! `OTEL_EXPORTER_OTLP_ENDPOINT` says. The one argument is the address to listen on.

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::error::Error;
use std::net::SocketAddr;

use rum_trace::axum::RumTraceLayer;
use rum_trace::otlp::Pipeline;
use rum_trace::serve::Serve;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::builder().service_name("shop").install()?;

    let app = axum_service::app(RumTraceLayer::default());
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // With the peer's address the spans have client.address.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();

    // Until Ctrl-C, or the SIGTERM that Kubernetes and systemd send. Then the
    // requests under way are answered, and what is still queued goes out, or is
    // counted in the error.
    Serve::new(pipeline)
        .run(|stop| axum::serve(listener, app).with_graceful_shutdown(stop))
        .await?;
    Ok(())
}
