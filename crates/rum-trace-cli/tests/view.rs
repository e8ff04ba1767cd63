//! `rum-trace view` and `rum-trace completions`, the real binary with real
//! sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Far more than anything takes; a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn rum_trace(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rum-trace"));
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Free ports of all three, unless told otherwise.
fn view(arguments: &[&str]) -> Command {
    let mut all = vec!["view"];
    for option in ["--listen", "--grpc", "--http"] {
        if !arguments.contains(&option) {
            all.extend([option, "127.0.0.1:0"]);
        }
    }
    all.extend(arguments);
    rum_trace(&all)
}

/// A viewer that runs until the test ends.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    page: String,
    http: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = view(arguments).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self {
            child,
            out,
            page: String::new(),
            http: String::new(),
        };
        running.page = running.address("page");
        running.address("OTLP/gRPC");
        running.http = running.address("OTLP/HTTP");
        assert_eq!(running.line(), "");
        let endpoint = format!(
            "In a service: OTEL_EXPORTER_OTLP_ENDPOINT=http://{}",
            running.http
        );
        assert_eq!(running.line(), endpoint);
        running
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.out.read_line(&mut line).unwrap() > 0, "it ended");
        line.trim_end().to_owned()
    }

    fn address(&mut self, name: &str) -> String {
        let line = self.line();
        let address = line.strip_prefix(name).unwrap().trim_start();
        address.strip_prefix("http://").unwrap().to_owned()
    }

    /// Sends spans as OTLP in JSON.
    fn export(&self, spans: &str) {
        let body = format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#
        );
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: \
             application/json\r\ncontent-length: {}\r\n\r\n",
            self.http,
            body.len()
        );
        let answer = exchange(&self.http, &(head + &body));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[cfg(unix)]
    fn wait_for_findings(&self, trace: &str) {
        let path = format!("/api/v1/traces?missing=true&trace_id={trace}");
        let deadline = Instant::now() + PATIENCE;
        while !get(&self.page, &path).contains(&format!(r#""trace_id":"{trace}""#)) {
            assert!(Instant::now() < deadline, "nothing was found in {trace}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[cfg(unix)]
    fn end_by(mut self, signal: &str) -> Option<i32> {
        let kill = format!("kill -{signal} {}", self.child.id());
        // The shell's own: a bare machine may have no program of that name.
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it goes on after SIG{signal}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    exchange(address, &request)
}

fn span(trace: &str, id: &str, parent: &str, name: &str, attributes: &str) -> String {
    format!(
        r#"{{"traceId":"{trace}","spanId":"{id}","parentSpanId":"{parent}","name":"{name}","kind":2,"startTimeUnixNano":"1000000000","endTimeUnixNano":"1040000000","attributes":[{attributes}]}}"#
    )
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn a_finished_trace_is_drawn_and_on_the_page() {
    let mut running = Running::start(&["--print"]);
    let told = r#"{"key":"rum.app.type","value":{"stringValue":"ios"}},{"key":"url.path","value":{"stringValue":"/a\u001b[2J"}}"#;
    running.export(&span(
        TRACE,
        "b7ad6b7169203331",
        "00f067aa0ba902b7",
        "GET /a",
        told,
    ));
    assert_eq!(running.line(), "");
    let lines: Vec<_> = (0..4).map(|_| running.line()).collect();
    assert_eq!(
        lines,
        [
            r"╌ ios.request:/a\u{1b}[2J          40.0 ms  inferred",
            &format!("╎  trace {TRACE} · 1 spans"),
            "╎  app ios",
            "└─ SERVER shop  GET /a             40.0 ms",
        ]
    );
    let answer = get(&running.page, &format!("/api/v1/traces/{TRACE}"));
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(r#""quiet":true"#),
        "{answer}"
    );
    let page = get(&running.page, "/");
    assert!(
        page.contains("content-type: text/html; charset=utf-8"),
        "{page}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_a_request_to_end_are_no_failure() {
    for signal in ["INT", "TERM"] {
        let running = Running::start(&[]);
        assert_eq!(running.end_by(signal), Some(0), "SIG{signal}");
    }
}

/// With a browser that listens, and one that keeps its connection.
#[cfg(unix)]
#[test]
fn it_ends_while_somebody_listens() {
    let running = Running::start(&[]);
    let page = running.page.clone();
    let mut listener = TcpStream::connect(&page).unwrap();
    listener.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        listener,
        "GET /api/v1/events HTTP/1.1\r\nhost: {page}\r\n\r\n"
    )
    .unwrap();
    let mut status = [0; 12];
    listener.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let _idle = TcpStream::connect(&page).unwrap();
    assert_eq!(running.end_by("INT"), Some(0));
}

#[test]
fn a_reader_that_has_seen_enough_ends_it() {
    let mut running = Running::start(&["--print"]);
    let out = std::mem::replace(&mut running.out, {
        let mut other = rum_trace(&["--version"]).spawn().unwrap();
        let out = BufReader::new(other.stdout.take().unwrap());
        other.wait().unwrap();
        out
    });
    drop(out);
    running.export(&span(TRACE, "b7ad6b7169203331", "", "GET /a", ""));
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = running.child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it goes on");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}

/// As a pager that waits for a key.
#[cfg(unix)]
#[test]
fn a_reader_that_does_not_read_on_holds_up_nothing_else() {
    let running = Running::start(&["--print"]);
    // Far more than a pipe holds.
    let long = "x".repeat(4_000);
    let parent = "00f067aa0ba902b7";
    let spans = (1..=100).map(|id| span(TRACE, &format!("{id:016x}"), parent, &long, ""));
    let spans: Vec<_> = spans.collect();
    running.export(&spans.join(","));
    running.wait_for_findings(TRACE);
    // That one is being drawn; this one is looked at all the same.
    let other = TRACE.replace('0', "1");
    running.export(&span(&other, "b7ad6b7169203331", parent, "GET /a", ""));
    running.wait_for_findings(&other);
    assert_eq!(running.end_by("TERM"), Some(0));
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_taken_port_is_told_by_its_option() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["--listen", "--grpc", "--http"] {
        let (status, out, errors) = output(&mut view(&[option, &address]));
        assert_eq!((status, &*out), (Some(2), ""), "{errors}");
        let port = taken.local_addr().unwrap().port();
        assert!(
            errors.starts_with(&format!("rum-trace view: port {port} ")),
            "{errors}"
        );
        assert!(errors.contains(option), "{errors}");
    }
}

#[test]
fn help_has_examples_and_wrong_usage_is_told() {
    let (status, out, _) = output(&mut rum_trace(&["view", "--help"]));
    assert_eq!(status, Some(0));
    for words in [
        "Examples:\n  rum-trace view\n",
        "127.0.0.1:4320",
        "256MiB",
        "Exit status:",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    for wrong in [
        &["view", "--listen", "localhost"][..],
        &["view", "--max-bytes", "12"],
        &["view", "--max-bytes", "lots"],
        &["view", "--max-traces", "0"],
        &["view", "--http"],
        &["completions"],
        &["completions", "cmd"],
    ] {
        let (status, out, errors) = output(&mut rum_trace(wrong));
        assert_eq!((status, &*out), (Some(2), ""), "{wrong:?}");
        assert!(
            errors.contains("error:") || errors.contains("Usage:"),
            "{wrong:?}: {errors}"
        );
    }
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (status, out, errors) = output(&mut rum_trace(&["completions", shell]));
        assert_eq!((status, &*errors), (Some(0), ""), "{shell}");
        for word in ["demo", "view", "decode", "allow-host"] {
            assert!(out.contains(word), "{shell}: {word}");
        }
    }
}
