//! What goes to the next service.

mod hosts;
mod list;
mod rum;
#[path = "../support/mod.rs"]
mod support;
mod sw8;
mod traceparent;

use std::collections::HashMap;

use opentelemetry::trace::SpanContext;
use rum_trace_core::Injection;
use support::*;

/// What goes out, by name, of a request that came with these headers.
fn sent(
    headers: &[(&str, &str)],
    injection: Injection<'_>,
) -> (HashMap<String, String>, SpanContext) {
    let harness = Harness::new();
    let request = headers.iter().fold(Request::get("/"), |it, (name, value)| {
        it.header(name, value)
    });
    injected(&harness, &request, injection)
}

fn own(harness: &Harness, request: &Request) -> (Option<String>, Option<String>) {
    let (mut headers, _) = injected(harness, request, Injection::to_own_service());
    (headers.remove("traceparent"), headers.remove("tracestate"))
}

fn names(headers: &HashMap<String, String>) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
