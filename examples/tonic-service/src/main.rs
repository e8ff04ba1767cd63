//! `cargo run -p tonic-service`, then ask it as a phone would:
//!
//! ```text
//! grpcurl -plaintext -import-path examples/tonic-service/proto -proto shop.proto \
//!   -H 'traceparent: 00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01' \
//!   -H 'tracestate: rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1' \
//!   -d '{"id": 42}' 127.0.0.1:50051 shop.v1.Shop/GetItem
//! ```
//!
//! Spans go to a collector on `http://localhost:4318`, or to where
//! `OTEL_EXPORTER_OTLP_ENDPOINT` says.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rum_trace::Instrumenter;
use rum_trace::otlp::Pipeline;
use tonic_service::Prices;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::builder().service_name("shop").install()?;

    let layer = tonic_service::layer(Instrumenter::builder())?;
    let prices = Arc::new(Prices::default());
    let market = tokio::spawn(market(Arc::clone(&prices)));
    let stop = {
        let prices = Arc::clone(&prices);
        async move {
            stopped().await;
            prices.close();
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:50051").await?;
    tonic_service::serve(listener, layer, prices, stop).await?;
    market.abort();

    // What is still queued goes out now, or is counted in the error.
    pipeline.shutdown(Duration::from_secs(5))?;
    Ok(())
}

/// A new price each second.
async fn market(prices: Arc<Prices>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for cents in (500..600).cycle() {
        second.tick().await;
        prices.publish(42, cents);
    }
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
