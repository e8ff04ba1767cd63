//! The built server, started as the W3C suite's users start it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use rum_trace_e2e::PATIENCE;
use rum_trace_e2e::recorder::Recorder;
use rum_trace_e2e::wire::Connection;

/// Ends the process however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rum-trace-conformance"));
        let command = command.args(arguments).stdout(Stdio::piped());
        Running(command.spawn().expect("cargo has built it"))
    }

    /// The address that it prints when it listens.
    fn address(&mut self) -> SocketAddr {
        let stdout = self.0.stdout.take().expect("it is piped");
        let (sender, line) = mpsc::channel();
        std::thread::spawn(move || {
            let first = BufReader::new(stdout).lines().next();
            // The test that would receive it may have failed by now.
            let _ = sender.send(first);
        });
        let line = line.recv_timeout(PATIENCE).expect("it prints a line");
        let line = line
            .expect("its output is not closed")
            .expect("the line is text");
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.strip_suffix("/test"))
            .unwrap_or_else(|| panic!("it printed {line:?}"));
        address.parse().expect("an address and a port")
    }
}

#[test]
fn axum_continues_a_trace_on_the_port_that_it_prints() {
    continues_a_trace("axum");
}

#[test]
fn actix_continues_a_trace_on_the_port_that_it_prints() {
    continues_a_trace("actix");
}

fn continues_a_trace(framework: &str) {
    let mut server = Running::start(&[framework, "--port", "0"]);
    let recorder = Recorder::start();
    let mut connection = Connection::open(server.address());

    let trace_id = "7c1f0e5ab3d94826af60b1c2d3e4f509";
    let parent = format!("00-{trace_id}-a1b2c3d4e5f60718-01");
    let lines = [
        ("Content-Type".to_owned(), b"application/json".to_vec()),
        ("traceparent".to_owned(), parent.into_bytes()),
        ("tracestate".to_owned(), b"vendor=a1".to_vec()),
    ];
    let body = format!(
        r#"[{{"url":"http://{}/call","arguments":[]}}]"#,
        recorder.address()
    );
    let answer = connection.send("POST", "/test", &lines, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");

    let calls = recorder.take();
    let [call] = calls.as_slice() else {
        panic!("{} calls came", calls.len());
    };
    assert_eq!((&*call.path, &*call.body), ("/call", "[]"));
    let parents = call.lines("traceparent");
    assert_eq!(parents.len(), 1, "{parents:?}");
    assert!(
        parents[0].starts_with(&format!("00-{trace_id}-")),
        "{parents:?}"
    );
    assert!(!parents[0].contains("a1b2c3d4e5f60718"), "{parents:?}");
    assert!(parents[0].ends_with("-01"), "{parents:?}");
    assert_eq!(call.lines("tracestate"), ["vendor=a1"]);
}

#[test]
fn a_framework_that_it_does_not_know_is_an_error() {
    let mut server = Running::start(&["no-such-framework"]);
    let status = server.0.wait().expect("it can be waited for");
    assert!(!status.success(), "{status}");
}
