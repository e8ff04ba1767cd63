//! The built service, as it is started and stopped.

#![cfg(unix)]

#[path = "../../../crates/rum-trace/tests/support/mod.rs"]
mod support;

use std::process::Command;

use rustix::process::Signal;
use support::collector::Collector;
use support::process::{Asked, Server, wait_until_refused};

#[test]
fn what_was_asked_before_the_end_arrives() {
    for signal in [Signal::TERM, Signal::INT] {
        let collector = Collector::start();
        let mut command = Command::new(env!("CARGO_BIN_EXE_axum-service"));
        let server = Server::start(command.arg("127.0.0.1:0"), &collector.endpoint());
        let address = server.address();
        Asked::get(address, "/items/42").assert_answer(r#"{"id":42,"seen_by_session":null}"#);
        Asked::get(address, "/search?words=tea").assert_answer("nothing for tea");
        server.signal(signal);
        wait_until_refused(address);
        server.wait().assert_success();
        let names = ["GET /items/{id}", "GET /search", "look up index"];
        assert_eq!(collector.names(), names);
    }
}
