//! `rum-trace verify`, the real binary over real sockets; through a real gateway it is
//! run by tests/verify.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::thread;

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rum_trace::Instrumenter;
use rum_trace::axum::RumTraceLayer;
use rum_trace_testing::Collector;
use serde_json::Value;
use tokio::runtime::Runtime;

const TOKEN: &str = "5f0e8c6a1b3d7924a7c0";

fn verify(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rum-trace"));
    command.arg("verify").args(arguments).stdin(Stdio::null());
    command
        .env("RUM_TRACE_VERIFY_TOKEN", TOKEN)
        .env_remove("NO_COLOR");
    command.output().unwrap()
}

fn without_token(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rum-trace"));
    command.arg("verify").args(arguments).stdin(Stdio::null());
    command
        .env_remove("RUM_TRACE_VERIFY_TOKEN")
        .output()
        .unwrap()
}

/// All that it said.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().to_owned();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!said.contains(TOKEN) && !said.contains('\x1b'), "{said}");
    said
}

#[track_caller]
fn says(output: &Output, status: i32, words: &[&str]) {
    let said = said(output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(output.status.code(), Some(status), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
}

/// A service with our layer; it ends with the runtime.
fn service() -> (Runtime, SocketAddr, Collector) {
    let runtime = Runtime::new().unwrap();
    let collector = Collector::new();
    let instrumenter = Instrumenter::builder()
        .tracer_provider(&collector.tracer_provider())
        .verification_token(TOKEN)
        .build()
        .unwrap();
    let app = Router::new()
        .route("/items", get(|| async { "served" }))
        .layer(RumTraceLayer::new(instrumenter));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = listener.unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, app).await });
    (runtime, address, collector)
}

/// Answers each connection's first request with these bytes.
fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = answer(stream.unwrap(), bytes);
        }
    });
    address
}

fn answer(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    stream.write_all(bytes)
}

#[test]
fn all_arrives_where_nothing_is_between() {
    let (_runtime, address, collector) = service();
    let url = format!("http://{address}/items?key=secret");
    let output = verify(&[&url, "--json"]);
    says(&output, 0, &[]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["diagnosis"][0]["code"], "passes");
    assert_eq!(report["url"], format!("http://{address}/items?…"));
    let probes = report["hops"][0]["probes"].as_array().unwrap();
    assert_eq!(probes.len(), 22);
    for probe in probes {
        assert_eq!(
            (&probe["status"], &probe["learned"]["from"]),
            (&200.into(), &"answer".into())
        );
        assert_eq!(
            probe["learned"]["parent_span_id"], probe["span_id"],
            "{probe}"
        );
    }
    assert!(!said(&output).contains("key=secret"));
    // Two are not sampled, and the token is on no span.
    let spans = collector.wait_for(20);
    assert!(!format!("{spans:?}").contains(TOKEN));

    let output = verify(&[&url, "--probe", "sw8-ios"]);
    says(
        &output,
        0,
        &["sw8-ios 200 sw8 arrived", "by the answer header", "passes"],
    );
}

#[test]
fn what_is_wrong_is_said_before_anything_is_sent() {
    let (_runtime, address, collector) = service();
    let url = format!("http://{address}/items");
    says(&without_token(&[&url]), 2, &["no way to learn"]);
    for (arguments, word) in [
        (&["shop.example"][..], "http://"),
        (&[&*url, "--hop", "http://x/"], "NAME=URL"),
        (&[&*url, "-H", "novalue"], "'name: value'"),
        (&[&*url, "-H", "traceparent: 00"], "what the probes send"),
        (&[&*url, "-H", "rum-trace-verify: x"], "--token-file"),
        (&[&*url, "--method", "GE T"], "--method"),
        (&[&*url, "--token", "a b"], "visible ASCII"),
        (&[&*url, "--view", "127.0.0.1:4320"], "--view"),
        (&[&*url, "--ca-file", "/no/such/file"], "--ca-file"),
        (&[&*url, "--probe", "nonsense"], "possible values"),
    ] {
        says(&verify(arguments), 2, &[word]);
    }
    assert!(collector.spans().is_empty());
}

#[test]
fn a_viewer_that_is_none() {
    let viewer = answering(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    let viewer = format!("http://{viewer}");
    let output = without_token(&["http://127.0.0.1:1/", "--view", &viewer]);
    says(&output, 2, &["--view", "there is no `rum-trace view`"]);
}

/// An answer of our layer's form, by somebody who wants to do harm: lengths that overflow,
/// and text for the terminal in each place.
#[test]
fn hostile_answers_that_can_be_read() {
    let json = |len: &str| {
        format!(
            "{{\"v\":1,\"service\":\"\u{1b}[31m\u{202e}shop\",\"class\":\"\\u009b31m\",\
             \"parent_span_id\":\"\\u0007\",\"lines\":[[\"tracestate\",\"\\u001b]0;x\",{len},\"0\"],\
             [\"tracestate\",\"\\u202e\",{len},\"0\"],[\"\\u001b[2J\",\"x\"]]}}"
        )
        .replace('\u{1b}', "\\u001b")
    };
    for (len, status, words) in [
        (
            "18446744073709551615",
            2,
            &["cannot_tell", "damaged on the way back"][..],
        ),
        (
            "1000000",
            1,
            &[
                "\\u{1b}[31m\\u{202e}shop",
                "tracestate arrived as something else",
            ],
        ),
    ] {
        let answer = URL_SAFE_NO_PAD.encode(json(len));
        let head =
            format!("HTTP/1.1 200 OK\r\nrum-trace-verified: {answer}\r\ncontent-length: 0\r\n\r\n");
        let url = format!("http://{}/", answering(head.leak().as_bytes()));
        let arguments = [&*url, "--probe", "tracestate-2000", "--probe", "nothing"];
        let output = verify(&arguments);
        says(&output, status, words);
        let hidden = |c: char| matches!(c, '\u{202e}' | '\u{9b}' | '\u{7}');
        assert!(!said(&output).contains(hidden));
    }
}

/// Where packets vanish it is a firewall, and not an answer that is late.
#[test]
#[cfg(target_os = "linux")]
fn nobody_accepts() {
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Once its queue is full the kernel answers nobody.
    let patience = std::time::Duration::from_millis(500);
    let connect = || TcpStream::connect_timeout(&address, patience);
    let queue: Vec<TcpStream> = std::iter::from_fn(|| connect().ok()).take(64).collect();
    assert!(queue.len() < 64, "its queue has no end");
    let output = verify(&[&format!("http://{address}/"), "--timeout", "2"]);
    says(&output, 2, &["unreachable", "a firewall", "HTTP_PROXY"]);
}

/// What a server says is foreign: it may try to write on the terminal, or anything else.
#[test]
fn hostile_answers() {
    for (bytes, words) in [
        (
            &b"HTTP/1.1 200 OK\r\nserver: nginx\xe2\x80\xae\r\nvia: \xff\xc2\x9b31m\r\nrum-trace-verified: x\r\ncontent-length: 0\r\n\r\n"[..],
            &["cannot_tell", "damaged on the way back"][..],
        ),
        (b"HTTP/1.1 301 Moved\r\nlocation: \xe2\x80\xaeevil\r\ncontent-length: 0\r\n\r\n", &["\\u{202e}evil"]),
        (b"not HTTP\r\n\r\n", &["no_response", "it does not answer: "]),
        (
            b"",
            &[
                "no_response",
                "it does not answer: ",
                "19 further were not sent",
            ],
        ),
        // eyJ2IjoyfQ is {"v":2}.
        (
            b"HTTP/1.1 200 OK\r\nrum-trace-verified: eyJ2IjoyfQ\r\ncontent-length: 0\r\n\r\n",
            &["version 2", "update it"],
        ),
    ] {
        let url = format!("http://{}/", answering(bytes));
        let output = verify(&[&url, "--timeout", "5"]);
        says(&output, 2, words);
        let hidden = |c: char| matches!(c, '\u{202e}' | '\u{9b}');
        assert!(!said(&output).contains(hidden));
    }
}
