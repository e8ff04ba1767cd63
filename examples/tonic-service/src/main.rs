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
//! `OTEL_EXPORTER_OTLP_ENDPOINT` says. The one argument is the address to listen on.

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rum_trace::Instrumenter;
use rum_trace::otlp::Pipeline;
use rum_trace::serve::Serve;
use tonic_service::Prices;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::builder().service_name("shop").install()?;

    let layer = tonic_service::layer(Instrumenter::builder())?;
    let prices = Arc::new(Prices::default());
    let market = tokio::spawn(market(Arc::clone(&prices)));
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:50051");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);

    // Until Ctrl-C, or the SIGTERM that Kubernetes and systemd send.
    let served = Serve::new(pipeline)
        .run(|stop| {
            let open = Arc::clone(&prices);
            let stop = async move {
                stop.await;
                // Streams that go on would keep the server from ending.
                open.close();
            };
            tonic_service::serve(listener, layer, prices, stop)
        })
        .await;
    market.abort();
    served?;
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
