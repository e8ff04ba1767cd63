//! The built service, as it is started and stopped.

#![cfg(unix)]

#[path = "../../../crates/rum-trace/tests/support/mod.rs"]
mod support;

use std::process::Command;

use rustix::process::Signal;
use support::collector::Collector;
use support::process::{Asked, Server, wait_until_refused};

/// The stream of prices has no end of its own.
#[test]
fn a_stream_ends_with_the_service_and_its_span_arrives() {
    let collector = Collector::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_streaming"));
    let server = Server::start(command.arg("127.0.0.1:0"), &collector.endpoint());
    let address = server.address();
    let mut prices = Asked::get(address, "/prices");
    prices.wait_for("data: ");
    server.signal(Signal::TERM);
    wait_until_refused(address);
    // The last chunk: it was not broken off.
    assert!(prices.answer().ends_with("\r\n0\r\n\r\n"));
    server.wait().assert_success();
    let spans = collector.spans();
    let [span] = spans.as_slice() else {
        panic!("one span is expected: {spans:?}")
    };
    assert_eq!(span.name, "GET /prices");
    let status = span.status.clone().unwrap_or_default();
    assert_eq!(status.code, 0, "it did not fail: {status:?}");
}
