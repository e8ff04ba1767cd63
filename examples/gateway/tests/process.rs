//! The built gateway, as it is started and stopped.

#![cfg(unix)]

#[path = "../../../crates/rum-trace/tests/support/mod.rs"]
mod support;

use std::process::Command;

use rustix::process::Signal;
use support::collector::Collector;
use support::process::{Asked, Server, wait_until_refused};

/// The upstream is not there: the spans arrive all the same, and in order.
#[test]
fn spans_are_flushed_when_it_is_told_to_stop() {
    // A port that is taken, and on which nobody listens.
    let nobody = tokio::net::TcpSocket::new_v4().expect("a socket");
    nobody
        .bind(([127, 0, 0, 1], 0).into())
        .expect("a free port");
    let upstream = format!("http://{}", nobody.local_addr().expect("an address"));
    let collector = Collector::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    let server = Server::start(
        command.args([&upstream, "127.0.0.1:0"]),
        &collector.endpoint(),
    );
    let address = server.address();
    let answer = Asked::get(address, "/items/42").answer();
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway"), "{answer}");
    server.signal(Signal::TERM);
    wait_until_refused(address);
    server.wait().assert_success();
    let mut spans = collector.spans();
    spans.sort_by_key(|span| span.kind);
    let [served, call] = spans.as_slice() else {
        panic!("two spans are expected: {spans:?}")
    };
    assert_eq!(call.parent_span_id, served.span_id);
    assert_eq!((served.name.as_str(), call.name.as_str()), ("GET", "GET"));
}
