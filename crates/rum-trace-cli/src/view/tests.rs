//! The API over real sockets, with spans of real services.

mod client;
mod live;
mod queries;
mod services;

use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::start::{Running, StartError, options};
use crate::cli::{Cli, Command, ViewArgs};
use crate::collector::SpanBuilder;
use client::{Answer, get, send};

/// Far more than anything takes; a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn args(more: &[&str]) -> ViewArgs {
    let free = [
        "--listen",
        "127.0.0.1:0",
        "--grpc",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
    ];
    let all = ["rum-trace", "view"]
        .into_iter()
        .chain(free)
        .chain(more.iter().copied());
    match Cli::try_parse_from(all).unwrap().command {
        Command::View(args) => args,
        other => panic!("{other:?}"),
    }
}

async fn start(args: &ViewArgs) -> Result<Running, StartError> {
    Running::start(args.listen, options(args)).await
}

async fn running(more: &[&str]) -> Running {
    start(&args(more)).await.unwrap()
}

const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src \
         'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

fn assert_guarded(answer: &Answer) {
    for (name, value) in HEADERS {
        assert_eq!(answer.header(name), Some(value), "{name}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_its_headers_and_errors_are_json() {
    let running = running(&[]).await;
    let host = running.page().to_string();
    for (method, path, status, code) in [
        ("GET", "/", 200, None),
        ("HEAD", "/", 200, None),
        ("GET", "/api/v1/status", 200, None),
        ("HEAD", "/api/v1/status", 200, None),
        ("GET", "/api/v1/traces", 200, None),
        ("GET", "/api/v1/sessions", 200, None),
        ("GET", "/api/v1/topology", 200, None),
        ("GET", "/nothing", 404, Some("not_found")),
        ("GET", "/assets/nothing.js", 404, Some("not_found")),
        ("GET", "/assets/..%2Findex.html", 404, Some("not_found")),
        ("GET", "/api/v1", 404, Some("not_found")),
        ("GET", "/api/v1/traces/", 404, Some("not_found")),
        ("POST", "/", 405, Some("method_not_allowed")),
        ("POST", "/api/v1/traces", 405, Some("method_not_allowed")),
        ("DELETE", "/api/v1/events", 405, Some("method_not_allowed")),
        ("OPTIONS", "/api/v1/status", 405, Some("method_not_allowed")),
    ] {
        let answer = send(&running, method, path, &[("host", &host)]).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_guarded(&answer);
        match code {
            Some(code) => assert_eq!(answer.json()["error"]["code"], code, "{method} {path}"),
            None if method == "HEAD" => assert!(answer.body.is_empty(), "{path}"),
            None => assert!(!answer.body.is_empty(), "{path}"),
        }
        let api = path.starts_with("/api/") || code.is_some();
        let expected = if api { "no-store" } else { "no-cache" };
        assert_eq!(
            answer.header("cache-control"),
            Some(expected),
            "{method} {path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_it_answers() {
    let running = running(&["--allow-host", "viewer.test"]).await;
    let hosts = [
        ("localhost", true),
        ("LOCALHOST:4320", true),
        ("127.0.0.1:4320", true),
        ("[::1]:4320", true),
        ("192.168.7.7", true),
        ("viewer.test", true),
        ("Viewer.Test:4320", true),
        ("viewer.test.evil", false),
        ("evil.test", false),
        ("localhost.evil.test", false),
        ("127.0.0.1.evil.test", false),
        ("", false),
    ];
    let mut refused = 0;
    for (host, allowed) in hosts {
        for path in ["/", "/api/v1/traces", "/api/v1/events", "/nothing"] {
            let answer = send(&running, "HEAD", path, &[("host", host)]).await;
            assert_eq!(
                answer.status == 421,
                !allowed,
                "{host:?} {path}: {answer:?}"
            );
            assert_guarded(&answer);
            refused += u64::from(!allowed);
        }
    }
    let status = get(&running, "/api/v1/status").await;
    assert_eq!(status["refused"]["requests"]["host"], refused);
}

/// Of the page's port as of the receivers'.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_too_many_are_counted() {
    let args = args(&[]);
    let mut options = options(&args);
    options.patience.connections = 1;
    let running = Running::start(args.listen, options).await.unwrap();
    for address in [running.page(), running.collector_http()] {
        let _first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        let closed = timeout(PATIENCE, second.read(&mut [0])).await.unwrap();
        assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    }
    assert_eq!(running.collector().stats().connections_turned_away, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sender_left_out_is_shown_where_it_did() {
    let running = running(&[]).await;
    let span = SpanBuilder::new("shop", 1, 2, 0)
        .event("e", 1, &[])
        .link(3, 4);
    let mut span = span.try_build().unwrap();
    span.dropped.events = 1;
    span.events[0].dropped = 2;
    span.links[0].dropped = 3;
    Arc::make_mut(&mut span.resource).dropped = 4;
    Arc::make_mut(&mut span.scope).dropped = 5;
    running.store().insert([span]);
    let path = format!(
        "/api/v1/traces/{}/spans/{}",
        "01".repeat(16),
        "02".repeat(8)
    );
    let span = get(&running, &path).await;
    assert_eq!(
        span["dropped"],
        json!({"attributes": 0, "events": 1, "links": 0})
    );
    assert_eq!(span["events"][0]["dropped_attributes"], 2);
    assert_eq!(span["links"][0]["dropped_attributes"], 3);
    assert_eq!(span["resource_dropped_attributes"], 4);
    assert_eq!(span["scope"]["dropped_attributes"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named_with_what_to_do() {
    let running = running(&[]).await;
    let taken = running.page().to_string();
    for option in ["--listen", "--grpc", "--http"] {
        let mut args = args(&[]);
        match option {
            "--listen" => args.listen = running.page(),
            "--grpc" => args.grpc = running.page(),
            _ => args.http = running.page(),
        }
        let error = start(&args).await.unwrap_err().to_string();
        let port = running.page().port().to_string();
        assert!(
            error.contains(&port) && error.contains(option),
            "{taken} {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_can_reach_is_warned_of() {
    let mut args = args(&[]);
    args.http = "0.0.0.0:0".parse().unwrap();
    let running = start(&args).await.unwrap();
    let warnings = running.warnings();
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
    assert!(
        warnings.contains("OTLP/HTTP listens on 0.0.0.0:"),
        "{warnings}"
    );
    let opening = running.opening();
    assert!(
        opening.contains("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:"),
        "{opening}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_an_empty_store() {
    let running = running(&["--max-traces", "7", "--max-bytes", "3MiB"]).await;
    let status = get(&running, "/api/v1/status").await;
    let store = json!({
        "traces": 0, "max_traces": 7, "spans": 0, "bytes": 0, "max_bytes": 3_145_728,
        "evicted_traces": 0, "evicted_spans": 0
    });
    assert_eq!(status["store"], store);
    assert_eq!(
        status["received"],
        json!({"spans": 0, "requests": 0, "duplicates": 0})
    );
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["sequence"], 0);
}
