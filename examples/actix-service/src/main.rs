//! `cargo run -p example-actix-service`, then ask it as a phone would:
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

use actix_web::{App, HttpServer};
use example_actix_service::routes;
use rum_trace::actix::RumTrace;
use rum_trace::otlp::Pipeline;
use rum_trace::serve::Serve;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::builder().service_name("shop").install()?;

    let trace = RumTrace::default();
    // Each worker makes an `App` of its own, under the same middleware. The last
    // `wrap` is the outermost, so that it wraps all the others.
    let app = move || App::new().configure(routes).wrap(trace.clone());
    let address = std::env::args().nth(1);
    let server = HttpServer::new(app)
        // Otherwise clients that go away while a handler runs go unnoticed.
        .h1_allow_half_closed(false)
        .bind(address.as_deref().unwrap_or("127.0.0.1:8080"))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }

    // Until Ctrl-C, or the SIGTERM that Kubernetes and systemd send. Then the
    // requests under way are answered, and what is still queued goes out, or is
    // counted in the error.
    Serve::new(pipeline).actix(server).await?;
    Ok(())
}
