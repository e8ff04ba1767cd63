//! Continuing a trace on a framework that has no adapter: here none at all,
//! a loop that reads HTTP/1.1 from a socket with `httparse`.
//!
//! `cargo run -p by-hand`, then `curl http://127.0.0.1:8081/hello`.

use std::net::TcpListener;

use rum_trace::Instrumenter;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Spans go to the global tracer provider; see the axum-service example
    // for an export pipeline.
    let instrumenter = Instrumenter::builder().build()?;
    by_hand::serve(&TcpListener::bind("127.0.0.1:8081")?, &instrumenter)?;
    Ok(())
}
