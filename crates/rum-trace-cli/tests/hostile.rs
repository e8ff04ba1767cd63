//! What `rum-trace view` does with bodies that are made to use up its memory, in
//! a process of its own, by what that process took at most.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzEncoder;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

const GIB: u64 = 1 << 30;
const MIB: usize = 1 << 20;
/// As many at a time.
const AT_ONCE: usize = 16;
/// For everything together; a single one of the bombs would take a GiB.
const MOST: usize = 256 * MIB;

type Http = Client<HttpConnector, Full<Bytes>>;

struct View {
    process: Child,
    /// Of the page, gRPC and HTTP.
    addresses: [String; 3],
}

impl View {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rum-trace"))
            .args(["view", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0"])
            .args(["--http", "127.0.0.1:0", "--max-bytes", "16MiB"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let addresses = lines.map(|line| line.unwrap()).take(3).map(|line| {
            let address = line.split_whitespace().last().unwrap();
            address.to_owned()
        });
        let addresses: Vec<_> = addresses.collect();
        Self {
            process,
            addresses: addresses.try_into().unwrap(),
        }
    }

    /// The most memory that it had so far, in bytes.
    fn peak(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.trim_end_matches(" kB")
            .trim()
            .parse::<usize>()
            .unwrap()
            * 1024
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A GiB of them: of several members, each a bomb by itself.
const MEMBERS: u64 = 16;

fn zeros(count: u64) -> impl Read {
    io::repeat(0).take(count)
}

fn gzip() -> Bytes {
    let mut body = Vec::new();
    GzEncoder::new(zeros(GIB / MEMBERS), Compression::fast())
        .read_to_end(&mut body)
        .unwrap();
    body.repeat(MEMBERS as usize).into()
}

fn zstd() -> Bytes {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    io::copy(&mut zeros(GIB), &mut encoder).unwrap();
    encoder.finish().unwrap().into()
}

/// A resource with a scope with spans of which each takes two bytes.
fn empty_spans() -> Bytes {
    let spans: Vec<u8> = [0x12, 0].into_iter().cycle().take(8 * MIB - 100).collect();
    let wrap = |tag: u8, inner: &[u8]| {
        let mut outer = vec![tag];
        prost::encoding::encode_varint(inner.len() as u64, &mut outer);
        outer.extend_from_slice(inner);
        outer
    };
    wrap(0x0a, &wrap(0x12, &spans)).into()
}

fn empty_spans_in_json() -> Bytes {
    let spans = vec!["{}"; (8 * MIB - 100) / 3].join(",");
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#).into()
}

/// As many as are still decoded, or nearly: none of them is a span.
fn just_below() -> Bytes {
    let spans = 31 * MIB / size_of::<Span>();
    let spans = vec!["{}"; spans].join(",");
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#).into()
}

/// A frame that says how long it is, and whether it is compressed.
fn message(compressed: u8, body: &[u8]) -> Bytes {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[compressed][..], &length, body].concat().into()
}

/// The HTTP status, and gRPC's if it has one.
async fn send(client: Http, request: Request<Full<Bytes>>) -> (u16, Option<String>) {
    let response = client.request(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    let code = [&head.headers, &trailers]
        .into_iter()
        .find_map(|headers| headers.get("grpc-status").cloned());
    (
        head.status.as_u16(),
        code.map(|code| code.to_str().unwrap().to_owned()),
    )
}

async fn send_at_once(client: &Http, request: &Request<Full<Bytes>>) -> Vec<(u16, Option<String>)> {
    let sent: Vec<_> = (0..AT_ONCE)
        .map(|_| tokio::spawn(send(client.clone(), request.clone())))
        .collect();
    let mut answers = Vec::new();
    for sent in sent {
        answers.push(sent.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_grow_take_no_memory() {
    let view = View::start();
    let [page, grpc, http] = &view.addresses;
    let before = view.peak();

    let client: Http = Client::builder(TokioExecutor::new()).build_http();
    let refused = over_http(&client, http).await + over_grpc(grpc).await;
    let request = posted(http, "application/json", "identity", just_below());
    let answers = send_at_once(&client, &request).await;
    assert!(
        answers.iter().all(|(status, _)| *status == 200),
        "{answers:?}"
    );

    let grown = view.peak() - before;
    println!(
        "{refused} bodies refused; {} MiB at first, {} MiB more at most",
        before / MIB,
        grown / MIB
    );
    assert!(grown < MOST, "{grown}");
    let status = status(&client, page).await;
    let counted = &status["refused"]["requests"];
    let counted = ["body_too_large", "busy"].map(|reason| counted[reason].as_u64().unwrap());
    assert_eq!(counted.iter().sum::<u64>(), refused, "{status}");
    assert_eq!(status["received"]["spans"], 0);
}

/// How many were refused.
async fn over_http(client: &Http, http: &str) -> u64 {
    let gzip = gzip();
    let mut refused = 0;
    for (kind, coding, body) in [
        ("application/x-protobuf", "gzip", gzip.clone()),
        ("application/json", "gzip", gzip),
        ("application/x-protobuf", "zstd", zstd()),
        ("application/x-protobuf", "identity", empty_spans()),
        ("application/json", "identity", empty_spans_in_json()),
    ] {
        let answers = send_at_once(client, &posted(http, kind, coding, body)).await;
        // Busy, where it is too much at once.
        let known = |(status, _): &(u16, _)| [413, 503].contains(status);
        assert!(answers.iter().all(known), "{kind} {coding}: {answers:?}");
        let told = answers.iter().any(|(status, _)| *status == 413);
        assert!(told, "{kind} {coding}: {answers:?}");
        refused += answers.len() as u64;
    }
    let endless = vec![b' '; 100 * MIB].into();
    // Cut off while it is sent: there may be no answer to be read.
    let _ = client
        .request(posted(http, "application/json", "identity", endless))
        .await;
    refused + 1
}

async fn over_grpc(grpc: &str) -> u64 {
    let client: Http = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let mut refused = 0;
    for (coding, body) in [
        ("gzip", message(1, &gzip())),
        ("zstd", message(1, &zstd())),
        ("identity", message(0, &empty_spans())),
    ] {
        let method = "opentelemetry.proto.collector.trace.v1.TraceService/Export";
        let request = Request::post(format!("{grpc}/{method}"))
            .header("content-type", "application/grpc")
            .header("grpc-encoding", coding)
            .body(Full::new(body))
            .unwrap();
        let answers = send_at_once(&client, &request).await;
        let codes = answers.iter().map(|(_, code)| code.as_deref());
        let codes: Vec<_> = codes.map(Option::unwrap_or_default).collect();
        // RESOURCE_EXHAUSTED, or UNAVAILABLE where it is too much at once.
        let known = codes.iter().all(|code| ["8", "14"].contains(code));
        assert!(known && codes.contains(&"8"), "{coding}: {answers:?}");
        refused += answers.len() as u64;
    }
    refused
}

fn posted(http: &str, kind: &str, coding: &str, body: Bytes) -> Request<Full<Bytes>> {
    Request::post(format!("{http}/v1/traces"))
        .header("content-type", kind)
        .header("content-encoding", coding)
        .body(Full::new(body))
        .unwrap()
}

async fn status(client: &Http, page: &str) -> Value {
    let request = Request::get(format!("{page}/api/v1/status"));
    let request = request.body(Full::default()).unwrap();
    let body = client.request(request).await.unwrap().into_body();
    serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap()
}
