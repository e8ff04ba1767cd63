//! The built service, as it is started and stopped.

#![cfg(unix)]

#[path = "../../../crates/rum-trace/tests/support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use rustix::process::Signal;
use support::PATIENCE;
use support::collector::Collector;
use support::process::Server;

fn order(address: SocketAddr) {
    let body = r#"{"item":42,"count":1}"#;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let length = body.len();
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream
        .write_all((head + body).as_bytes())
        .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer:?}");
}

/// Also what was only in the queue.
#[test]
fn what_was_accepted_before_the_end_is_done_and_arrives() {
    const ORDERS: usize = 20;
    let collector = Collector::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_queue-worker"));
    let server = Server::start(command.arg("127.0.0.1:0"), &collector.endpoint());
    let address = server.address();
    (0..ORDERS).for_each(|_| order(address));
    server.signal(Signal::TERM);
    let end = server.wait();
    end.assert_success();
    end.assert_said(&["order packed", "confirmation sent"]);
    let spans = collector.spans();
    let ids = |name: &str| -> Vec<_> {
        let named = spans.iter().filter(|span| span.name == name);
        let ids: Vec<_> = named
            .map(|span| (span.span_id.clone(), span.parent_span_id.clone()))
            .collect();
        assert_eq!(ids.len(), ORDERS, "{name}");
        ids
    };
    for (parent, child) in [
        ("POST /orders", "send orders"),
        ("send orders", "process orders"),
        ("POST /orders", "send confirmation"),
    ] {
        let mut parents: Vec<_> = ids(parent).into_iter().map(|(id, _)| id).collect();
        let mut named: Vec<_> = ids(child).into_iter().map(|(_, parent)| parent).collect();
        parents.sort();
        named.sort();
        assert_eq!(parents, named, "{child} under {parent}");
    }
}
