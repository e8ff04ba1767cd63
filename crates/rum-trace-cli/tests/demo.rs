//! `rum-trace demo`, the real binary with real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Far more than the demo takes; a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rum-trace"));
    command
        .arg("demo")
        .args(arguments)
        // What a service in earnest is told must not reach the demo.
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_TRACES_SAMPLER", "always_off")
        .env("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0")
        .env("OTEL_SERVICE_NAME", "elsewhere")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A demo that runs: until it ends, the test does, or the time is up.
struct Running {
    child: Arc<Mutex<Child>>,
    /// Closed with this, which sends the watchdog home.
    _over: Sender<()>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let child = Arc::new(Mutex::new(command.spawn().unwrap()));
        let (sender, over) = mpsc::channel();
        let theirs = Arc::clone(&child);
        thread::spawn(move || {
            if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                // Then its output ends too, and the test with it.
                let _ = theirs.lock().unwrap().kill();
            }
        });
        Self {
            child,
            _over: sender,
        }
    }

    fn stdout(&self) -> ChildStdout {
        self.child.lock().unwrap().stdout.take().unwrap()
    }

    fn stderr(&self) -> ChildStderr {
        self.child.lock().unwrap().stderr.take().unwrap()
    }

    fn end(&self) -> ExitStatus {
        loop {
            // Not `wait`, which would keep the watchdog out.
            if let Some(status) = self.child.lock().unwrap().try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn output_of(command: &mut Command) -> Output {
    let demo = Running::start(command);
    let mut stderr = demo.stderr();
    // Beside the other, or a full pipe stops the demo.
    let errors = thread::spawn(move || read(&mut stderr));
    let stdout = read(&mut demo.stdout());
    Output {
        status: demo.end(),
        stdout,
        stderr: errors.join().unwrap(),
    }
}

fn read(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The trees and what else is printed, paragraph by paragraph and line by line,
/// without what differs from run to run.
fn paragraphs(text: &str) -> Vec<Vec<String>> {
    let paragraphs = text.split("\n\n");
    paragraphs
        .map(|paragraph| paragraph.lines().map(without_ids).collect())
        .collect()
}

/// Ids are 16 digits and more, ports follow the address, and times have a unit.
fn without_ids(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let mut text = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        let is_unit = |word: &str| ["µs", "ms", "s"].contains(&word);
        let is_id = word.len() >= 16 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match word.split_once("127.0.0.1:") {
            _ if is_unit(word) || is_unit(next) => {}
            _ if is_id => text.push("ID".to_owned()),
            Some((before, after)) => {
                let path = after.trim_start_matches(|c: char| c.is_ascii_digit());
                text.push(format!("{before}SHOP{path}"));
            }
            None => text.push((*word).to_owned()),
        }
    }
    text.join(" ")
}

/// How each route of the shop looks as a tree, below the phone's own span.
const ITEM: &[&str] = &[
    "└─ SERVER gateway GET 200",
    "└─ CLIENT gateway GET 200",
    "└─ SERVER shop GET /items/{id} 200",
    "└─ CLIENT shop GET /stock/{id} 200",
    "└─ SERVER stock GET /stock/{id} 200",
];
const DELIVERY: &[&str] = &[
    "└─ SERVER gateway GET 200",
    "└─ CLIENT gateway GET 200",
    "└─ SERVER shop GET /items/{id}/delivery 200",
    "└─ CLIENT shop GET /stock/{id}/forecast 200",
    "└─ SERVER stock GET /stock/{id}/forecast 200",
];
const ORDER: &[&str] = &[
    "└─ SERVER gateway POST ✗ 500",
    "└─ CLIENT gateway POST ✗ 500",
    "└─ SERVER shop POST /orders ✗ 500",
    "└─ CLIENT shop POST /reservations ✗ 500",
    "└─ SERVER stock POST /reservations ✗ 500",
];
const SEARCH: &[&str] = &[
    "└─ SERVER gateway GET 200",
    "└─ CLIENT gateway GET 200",
    "└─ SERVER shop GET /search 200",
];
const UNSAMPLED: &[&str] =
    &["└╌ not sampled: the services went on with the trace, by their answer, and exported nothing"];

#[test]
fn one_round_continues_every_tap_and_draws_it() {
    let output = output_of(&mut demo(&["--once"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(!text.contains('\x1b'), "colours on a pipe");

    let app = "app shopapp@18ff4c0a0d8fd8d";
    let page = |kind: &str| format!("{app} {kind} · session ID · user ID");
    let taps: [(&str, &str, String, &[&str]); 12] = [
        (
            "android.request:http://SHOP/items/42 200",
            "W3C",
            "app android 3.2.1".into(),
            ITEM,
        ),
        (
            "android.request:http://SHOP/orders ✗ 500",
            "sw8",
            "app android 3.2.1".into(),
            ORDER,
        ),
        (
            "ios.request:http://SHOP/items/42/delivery 200",
            "W3C",
            "app ios 3.2.1".into(),
            DELIVERY,
        ),
        (
            "ios.request:http://SHOP/search?words=tea 200",
            "sw8",
            "tells no app, session or user".into(),
            SEARCH,
        ),
        (
            "browser.request:http://SHOP/items/42 200",
            "W3C",
            page("browser"),
            ITEM,
        ),
        (
            "browser.request:http://SHOP/items/42/delivery 200",
            "sw8",
            app.into(),
            DELIVERY,
        ),
        (
            "browser.request:http://SHOP/orders ✗ 500",
            "W3C and baggage",
            page("browser"),
            ORDER,
        ),
        (
            "browser.request:http://SHOP/items/42 200",
            "W3C",
            page("browser"),
            UNSAMPLED,
        ),
        (
            "miniapp.request:http://SHOP/items/42 200",
            "W3C",
            format!("{app} miniapp · session ID"),
            ITEM,
        ),
        (
            "miniapp.request:http://SHOP/search?words=tea 200",
            "sw8",
            app.into(),
            SEARCH,
        ),
        (
            "uniapp.request:http://SHOP/search?words=tea 200",
            "W3C",
            page("uniapp"),
            SEARCH,
        ),
        (
            "uniapp.request:http://SHOP/items/42 200",
            "sw8",
            app.into(),
            ITEM,
        ),
    ];
    let paragraphs = paragraphs(text.trim_end());
    assert_eq!(paragraphs.len(), 1 + taps.len() + 1, "{text}");
    for ((name, protocol, who, spans), drawn) in taps.iter().zip(&paragraphs[1..]) {
        let mut expected = vec![
            format!("╌ {name} inferred"),
            format!("╎ trace ID by {protocol}"),
            format!("╎ {who}"),
        ];
        expected.extend(spans.iter().map(|line| (*line).to_owned()));
        assert_eq!(*drawn, expected, "{text}");
    }
    // One trace for each sampled tap; 8 of them go on to the stock service.
    let summary = "12 taps, 12 continued, 0 lost; 49 spans received";
    assert_eq!(paragraphs[13], [summary], "{text}");

    // Each span hangs one step further in than its parent.
    assert!(text.contains("\n└─ SERVER gateway  GET "));
    assert!(text.contains("\n   └─ CLIENT gateway  GET "));
    assert!(text.contains("\n      └─ SERVER shop  GET /items/{id} "));
    assert!(text.contains("\n         └─ CLIENT shop  GET /stock/{id} "));
    assert!(text.contains("\n            └─ SERVER stock  GET /stock/{id} "));
}

/// The answer's head and body.
#[cfg(unix)]
fn get(server: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let answer = String::from_utf8(read(&mut stream)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer
}

#[cfg(unix)]
#[test]
fn rounds_go_on_until_ctrl_c_and_the_viewer_shows_them() {
    let demo = Running::start(&mut demo(&["--every", "1", "--listen", "127.0.0.1:0"]));
    let mut stdout = BufReader::new(demo.stdout());
    let mut summaries = 0;
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let page = line.strip_prefix("viewer     http://").unwrap();
    let (page, _) = page.split_once(": open").unwrap();
    let page = page.to_owned();
    while summaries < 2 {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "ended by itself");
        summaries += usize::from(line.starts_with("12 taps, 12 continued, 0 lost;"));
    }
    // Two rounds of 11 sampled taps, each under its phone's own span.
    let traces = get(&page, "/api/v1/traces?limit=500");
    assert!(
        traces.matches("\"inferred\":true").count() >= 22,
        "{traces}"
    );
    for kind in ["android", "ios", "browser", "miniapp", "uniapp"] {
        assert!(traces.contains(&format!("{kind}.request:")), "{traces}");
    }
    assert!(get(&page, "/").contains("<title>"), "the page itself");

    terminate(&demo, "INT");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(" rounds: "), "{rest}");
    assert!(rest.contains(" continued, 0 lost; "), "{rest}");
    assert_eq!(demo.end().code(), Some(0));
}

/// As a supervisor ends it: it counts all the same.
#[cfg(unix)]
#[test]
fn sigterm_ends_it_too() {
    let demo = Running::start(&mut demo(&["--every", "600", "--listen", "127.0.0.1:0"]));
    let mut stdout = BufReader::new(demo.stdout());
    let mut line = String::new();
    while !line.starts_with("12 taps, 12 continued, 0 lost;") {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "ended by itself");
    }
    terminate(&demo, "TERM");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("1 rounds: 12 taps, 12 continued, 0 lost;"),
        "{rest}"
    );
    assert_eq!(demo.end().code(), Some(0));
}

#[cfg(unix)]
fn terminate(demo: &Running, signal: &str) {
    let pid = demo.child.lock().unwrap().id();
    // The shell's own: a bare machine may have no program of that name.
    let kill = format!("kill -{signal} {pid}");
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_reader_that_has_seen_enough_ends_it() {
    let demo = Running::start(&mut demo(&["--every", "1"]));
    let mut stdout = BufReader::new(demo.stdout());
    let mut line = String::new();
    assert!(stdout.read_line(&mut line).unwrap() > 0);
    drop(stdout);
    assert_eq!(demo.end().code(), Some(0));
}

#[test]
fn help_has_examples_and_wrong_usage_is_told() {
    let help = output_of(&mut demo(&["--help"]));
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(
        text.contains("Examples:\n  rum-trace demo --once\n"),
        "{text}"
    );
    for wrong in [
        &["--every", "0"][..],
        &["--once", "--every", "3"],
        &["--twice"],
    ] {
        let output = output_of(&mut demo(wrong));
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(!output.stderr.is_empty(), "{wrong:?}");
        assert!(output.stdout.is_empty(), "{wrong:?}");
    }
}
