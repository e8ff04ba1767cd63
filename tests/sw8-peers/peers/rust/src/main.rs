//! Reads `sw8` headers with the published SkyWalking agent for Rust.
//!
//! A line of JSON with headers in, a line of JSON out: what the agent reads in
//! them, and what it writes to the next service. The first line is its version.

use std::error::Error;
use std::io::{Write, stdin, stdout};

use serde_json::{Value, json};
use skywalking::trace::propagation::context::PropagationContext;
use skywalking::trace::propagation::decoder::decode_propagation;
use skywalking::trace::propagation::encoder::encode_propagation;
use skywalking::trace::span::HandleSpanObject;
use skywalking::trace::tracer::Tracer;

fn main() -> Result<(), Box<dyn Error>> {
    let mut output = stdout().lock();
    writeln!(output, "{}", json!({ "version": version() }))?;
    for line in stdin().lines() {
        let headers: Value = serde_json::from_str(&line?)?;
        let sw8 = headers["sw8"].as_str().ok_or("a line without sw8")?;
        writeln!(output, "{}", answer(sw8))?;
    }
    Ok(())
}

/// The agent's version, as the lock file has it: the crate does not tell.
fn version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let package = lock.split("[[package]]").find_map(|package| {
        let rest = package.trim_start().strip_prefix("name = \"skywalking\"")?;
        rest.trim_start()
            .strip_prefix("version = \"")?
            .split('"')
            .next()
    });
    package.unwrap_or("unknown")
}

fn answer(sw8: &str) -> Value {
    match decode_propagation(sw8) {
        // The agent has no further test: what it decodes it continues.
        Ok(read) => json!({ "valid": true, "fields": fields(&read), "onward": write(&read) }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn fields(read: &PropagationContext) -> Value {
    json!({
        "sample": read.do_sample,
        "trace_id": read.parent_trace_id,
        "segment_id": read.parent_trace_segment_id,
        "span_id": read.parent_span_id,
        "service": read.parent_service,
        "instance": read.parent_service_instance,
        "endpoint": read.destination_endpoint,
        "peer": read.destination_address,
    })
}

/// What a service of the same names writes from an exit span: the trace is the
/// caller's, the segment its own.
fn write(read: &PropagationContext) -> Value {
    // The unit type is the agent's reporter that reports nothing.
    let tracer = Tracer::new(&read.parent_service, &read.parent_service_instance, ());
    let mut context = tracer.create_trace_context();
    let entry = context.create_entry_span_with_propagation("entry", read);
    let exit = context.create_exit_span("exit", &read.destination_address);
    let (endpoint, peer) = (&read.destination_endpoint, &read.destination_address);
    let sw8 = encode_propagation(&context, endpoint, peer);
    let fields = json!({
        "sample": true,
        "trace_id": context.trace_id(),
        "segment_id": context.trace_segment_id(),
        "span_id": exit.span_id(),
        "service": context.service(),
        "instance": context.service_instance(),
        "endpoint": endpoint,
        "peer": peer,
    });
    // The agent panics if they end in another order.
    drop(exit);
    drop(entry);
    json!({ "headers": { "sw8": sw8 }, "fields": fields })
}
