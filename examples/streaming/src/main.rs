//! `cargo run -p streaming`, then ask it as a phone would:
//!
//! ```text
//! curl -N http://127.0.0.1:8080/prices \
//!   -H 'traceparent: 00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01' \
//!   -H 'tracestate: rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1'
//! ```
//!
//! Spans go to a collector on `http://localhost:4318`, or to where
//! `OTEL_EXPORTER_OTLP_ENDPOINT` says. The one argument is the address to listen on.

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rum_trace::axum::RumTraceLayer;
use rum_trace::otlp::Pipeline;
use rum_trace::serve::Serve;
use streaming::{Market, Price};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::builder().service_name("prices").install()?;

    let market = Arc::new(Market::default());
    let trade = tokio::spawn(trade(Arc::clone(&market)));
    let app = streaming::app(RumTraceLayer::default(), Arc::clone(&market));
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // With the peer's address the spans have client.address.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();

    // Until Ctrl-C, or the SIGTERM that Kubernetes and systemd send.
    let served = Serve::new(pipeline)
        .run(|stop| {
            let stop = async move {
                stop.await;
                // Streams that go on would keep the server from ending.
                market.close();
            };
            axum::serve(listener, app).with_graceful_shutdown(stop)
        })
        .await;
    trade.abort();
    served?;
    Ok(())
}

/// A new price each second.
async fn trade(market: Arc<Market>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for cents in (500..600).cycle() {
        second.tick().await;
        market.publish(Price { item: 42, cents });
    }
}
