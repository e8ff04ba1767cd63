use axum::body::to_bytes;
use axum::http::StatusCode;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use rum_trace_propagation::TraceId;
use serde_json::{Value, json};

use super::super::answer::RpcStatus;
use super::super::world::{MAX, World, export, gzip};
use super::*;
use crate::collector::SpanBuilder;

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

async fn parts(response: Response) -> (StatusCode, HeaderMap, Bytes) {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (head.status, head.headers, body)
}

async fn post(
    world: &World,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> (StatusCode, HeaderMap, Bytes) {
    let headers = [&[("host", "127.0.0.1:4318")], headers].concat();
    parts(world.post(path, &headers, body).await).await
}

fn span(id: u8) -> SpanBuilder {
    SpanBuilder::new("", 1, id, 3).server().name("GET /")
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).unwrap()
}

#[tokio::test]
async fn spans_are_taken_in_every_form() {
    let world = World::new(router);
    let id = "01".repeat(16);
    let json = |span: &str| {
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": id, "spanId": span}]}]}]})
            .to_string()
            .into_bytes()
    };
    let form = ("content-type", "Application/X-Protobuf; charset=utf-8");
    let mut expected = 0;
    for (headers, body) in [
        (&[PROTOBUF][..], export([span(1)])),
        (&[form], export([span(2)])),
        (
            &[PROTOBUF, ("content-encoding", "gzip")],
            gzip(&export([span(3)])),
        ),
        (
            &[PROTOBUF, ("content-encoding", "zstd")],
            zstd(&export([span(4)])),
        ),
        (
            &[PROTOBUF, ("content-encoding", "identity")],
            export([span(5)]),
        ),
        (&[JSON], json("0606060606060606")),
        (
            &[("content-type", "application/json;charset=UTF-8")],
            json("0707070707070707"),
        ),
        (
            &[JSON, ("content-encoding", "GZIP")],
            gzip(&json("0808080808080808")),
        ),
        (
            &[JSON, ("content-encoding", "zstd")],
            zstd(&json("0909090909090909")),
        ),
    ] {
        let (status, answered, body) = post(&world, "/v1/traces", headers, body).await;
        assert_eq!(status, StatusCode::OK, "{headers:?} {body:?}");
        let json = headers[0].1.contains("json");
        assert_eq!(
            answered["content-type"],
            if json { JSON.1 } else { PROTOBUF.1 }
        );
        assert_eq!(&body[..], if json { &b"{}"[..] } else { b"" });
        expected += 1;
        let kept = world.store.trace(TraceId::from_bytes([1; 16]).unwrap());
        assert_eq!(kept.len(), expected, "{headers:?}");
    }
}

#[tokio::test]
async fn spans_that_are_none_are_told_in_the_senders_words() {
    let world = World::new(router);
    let body = export([span(1), span(0)]);
    let (status, _, answer) = post(&world, "/v1/traces", &[PROTOBUF], body).await;
    assert_eq!(status, StatusCode::OK);
    let partial = ExportTraceServiceResponse::decode(answer)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("span_id"));

    let body = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}, {}]}]}]}"#;
    let (status, _, answer) = post(&world, "/v1/traces", &[JSON], body).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "2");
    assert!(
        answer["partialSuccess"]["errorMessage"]
            .as_str()
            .unwrap()
            .contains("trace_id")
    );
}

/// Each with its status, its counter and a word of its message.
#[tokio::test]
async fn what_cannot_be_read_is_refused_and_counted() {
    let world = World::new(router);
    let gzipped = ("content-encoding", "gzip");
    let zstded = ("content-encoding", "zstd");
    let deep = [0x0a, 0x2a].into_iter().cycle().take(2_000);
    let deep = deep.fold(Vec::new(), |inner, tag| {
        let mut message = vec![tag];
        prost::encoding::encode_varint(inner.len() as u64, &mut message);
        [message, inner].concat()
    });
    let nested = [
        &[0x0a][..],
        &prefixed(
            &[
                &[0x0a][..],
                &prefixed(
                    &[
                        &[0x0a][..],
                        &prefixed(&[&[0x12][..], &prefixed(&deep)].concat()),
                    ]
                    .concat(),
                ),
            ]
            .concat(),
        ),
    ]
    .concat();
    let many = export([])
        .into_iter()
        .chain([0x0a, 0].into_iter().cycle().take(MAX - 10));
    let brackets = "[".repeat(5_000);
    for (headers, body, status, reason, word) in [
        (&[PROTOBUF][..], vec![0xff; 40], 400, "malformed", "decode"),
        (&[PROTOBUF], nested, 400, "malformed", "recursion"),
        (&[JSON], Vec::new(), 400, "malformed", "EOF"),
        (&[JSON], b"{".to_vec(), 400, "malformed", "EOF"),
        (&[JSON], b"[]x".to_vec(), 400, "malformed", ""),
        (&[JSON], b"\xff\xfe".to_vec(), 400, "malformed", "expected"),
        (&[JSON], brackets.into_bytes(), 400, "malformed", ""),
        (
            &[PROTOBUF, gzipped],
            export([span(1)]),
            400,
            "malformed",
            "decompress",
        ),
        (
            &[PROTOBUF, gzipped],
            gzip(&[0; 100])[..20].to_vec(),
            400,
            "malformed",
            "decompress",
        ),
        (
            &[PROTOBUF, zstded],
            zstd(&[0; 100])[..12].to_vec(),
            400,
            "malformed",
            "decompress",
        ),
        (
            &[JSON, gzipped],
            gzip(b"{\"resourceSpans\": 1}"),
            400,
            "malformed",
            "sequence",
        ),
        (
            &[],
            export([]),
            415,
            "unsupported_media_type",
            "application/json",
        ),
        (
            &[("content-type", "text/plain")],
            export([]),
            415,
            "unsupported_media_type",
            "x-protobuf",
        ),
        (
            &[PROTOBUF, ("content-encoding", "br")],
            export([]),
            415,
            "unsupported_encoding",
            "zstd",
        ),
        (
            &[PROTOBUF, gzipped, gzipped],
            export([]),
            415,
            "unsupported_encoding",
            "zstd",
        ),
        (
            &[JSON, ("content-encoding", "deflate")],
            b"{}".to_vec(),
            415,
            "unsupported_encoding",
            "gzip",
        ),
        (
            &[PROTOBUF],
            vec![0; MAX + 1],
            413,
            "body_too_large",
            "smaller batches",
        ),
        (
            &[PROTOBUF],
            many.collect(),
            413,
            "body_too_large",
            "decoded",
        ),
        (
            &[JSON],
            vec![b' '; MAX + 1],
            413,
            "body_too_large",
            "smaller",
        ),
        (
            &[PROTOBUF, gzipped],
            gzip(&vec![0; 100 * MAX]),
            413,
            "body_too_large",
            "smaller",
        ),
        (
            &[JSON, zstded],
            zstd(&vec![b' '; 100 * MAX]),
            413,
            "body_too_large",
            "smaller",
        ),
    ] {
        let before = world.counted(reason);
        let (found, answered, body) = post(&world, "/v1/traces", headers, body).await;
        assert_eq!(found.as_u16(), status, "{headers:?} {body:?}");
        assert_eq!(world.counted(reason), before + 1, "{reason}");
        let message = if headers.first() == Some(&JSON) {
            assert_eq!(answered["content-type"], JSON.1);
            let refusal: Value = serde_json::from_slice(&body).unwrap();
            refusal["message"].as_str().unwrap().to_owned()
        } else {
            assert_eq!(answered["content-type"], PROTOBUF.1);
            RpcStatus::decode(body).unwrap().message
        };
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(world.store.received(), 0);
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    prost::encoding::encode_varint(bytes.len() as u64, &mut message);
    [message, bytes.to_vec()].concat()
}

#[tokio::test]
async fn what_is_asked_elsewhere_or_otherwise_is_refused_and_counted() {
    let world = World::new(router);
    for (method, path, host, status, reason) in [
        ("GET", "/v1/traces", "localhost", 405, "method"),
        ("OPTIONS", "/v1/traces", "localhost", 405, "method"),
        ("PUT", "/v1/logs", "localhost", 405, "method"),
        ("POST", "/v1/profiles", "localhost", 404, "not_found"),
        ("POST", "/", "localhost", 404, "not_found"),
        ("POST", "/v1/traces/", "localhost", 404, "not_found"),
        ("POST", "/v1/traces", "evil.example", 421, "host"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host);
        let request = request
            .header(PROTOBUF.0, PROTOBUF.1)
            .body(Body::empty())
            .unwrap();
        let before = world.counted(reason);
        let (found, headers, _) = parts(world.ask(request).await).await;
        assert_eq!(found.as_u16(), status, "{method} {path}");
        assert_eq!(headers.get("allow").is_some(), status == 405);
        assert_eq!(world.counted(reason), before + 1, "{reason}");
    }
}

#[tokio::test]
async fn other_signals_are_taken_and_thrown_away() {
    let world = World::new(router);
    for (path, headers, answer) in [
        ("/v1/metrics", [PROTOBUF], &b""[..]),
        ("/v1/logs", [JSON], b"{}"),
    ] {
        let (status, answered, body) = post(&world, path, &headers, vec![0xff; MAX]).await;
        assert_eq!((status, &body[..]), (StatusCode::OK, answer));
        assert_eq!(answered["content-type"], headers[0].1);
        let (status, ..) = post(&world, path, &headers, vec![0; MAX + 1]).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    let ignored = world.intake.stats.snapshot().ignored;
    assert_eq!((ignored.metrics, ignored.logs), (1, 1));
}
