//! `cargo run -p axum-service`, then ask it as a phone would:
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
use std::net::SocketAddr;
use std::time::Duration;

use rum_trace::axum::RumTraceLayer;
use rum_trace::otlp::Pipeline;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::builder().service_name("shop").install()?;

    let app = axum_service::app(RumTraceLayer::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    // With the peer's address the spans have client.address.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app)
        .with_graceful_shutdown(stopped())
        .await?;

    // What is still queued goes out now, or is counted in the error.
    pipeline.shutdown(Duration::from_secs(5))?;
    Ok(())
}

/// Ctrl-C, or the SIGTERM that Kubernetes and systemd send.
async fn stopped() {
    let interrupt = async {
        // Without a signal handler the service just runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
