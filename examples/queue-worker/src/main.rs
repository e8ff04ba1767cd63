//! `cargo run -p queue-worker`, then ask it as a phone would:
//!
//! ```text
//! curl http://127.0.0.1:8080/orders -H 'content-type: application/json' \
//!   -d '{"item":42,"count":1}' \
//!   -H 'traceparent: 00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01' \
//!   -H 'tracestate: rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1'
//! ```
//!
//! Spans go to a collector on `http://localhost:4318`, or to where
//! `OTEL_EXPORTER_OTLP_ENDPOINT` says, and log lines to the standard error. The one
//! argument is the address to listen on.

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::error::Error;
use std::net::SocketAddr;

use rum_trace::Instrumenter;
use rum_trace::axum::RumTraceLayer;
use rum_trace::opentelemetry::trace::TracerProvider;
use rum_trace::otlp::Pipeline;
use rum_trace::serve::Serve;
use tokio_util::task::TaskTracker;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let pipeline = Pipeline::builder().service_name("shop").install()?;
    queue_worker::log::install(pipeline.tracer_provider().tracer("shop"), std::io::stderr)?;

    // One for both, so that its numbers tell of requests and messages.
    let instrumenter = Instrumenter::builder().tracing_spans(true).build()?;
    let (queue, messages) = queue_worker::queue();
    let worker = tokio::spawn(queue_worker::work(instrumenter.clone(), messages));
    let background = TaskTracker::new();
    let app = queue_worker::app(RumTraceLayer::new(instrumenter), queue, background.clone());

    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // With the peer's address the spans have client.address.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();

    Serve::new(pipeline)
        .run(|stop| async {
            axum::serve(listener, app)
                .with_graceful_shutdown(stop)
                .await?;
            // The router had the queue's last sender: the worker ends when it has
            // done what is left, and its spans go out with the rest.
            worker.await?;
            background.close();
            background.wait().await;
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        })
        .await?;
    Ok(())
}
