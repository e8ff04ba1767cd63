//! Hostile calls, frame by frame: the real senders are in `collector/tests.rs`.

use std::io::Write as _;

use axum::http::StatusCode;
use bytes::Bytes;
use rum_trace_propagation::TraceId;

use super::super::world::{MAX, World, export, gzip};
use super::*;
use crate::collector::SpanBuilder;

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const CALL: (&str, &str) = ("content-type", "application/grpc");

/// The answer's code, from its headers or its trailers, and its message.
async fn call(
    world: &World,
    uri: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (Code, String, Bytes) {
    let (head, body) = world.post(uri, headers, body).await.into_parts();
    // As gRPC has it, whatever came of the call.
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.headers["content-type"], "application/grpc");
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status =
        Status::from_header_map(&head.headers).or_else(|| Status::from_header_map(&trailers));
    let status = status.unwrap();
    (status.code(), status.message().to_owned(), body.to_bytes())
}

fn uri(path: &str) -> String {
    format!("http://127.0.0.1:4317{path}")
}

fn message(compressed: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[compressed][..], &length, message].concat()
}

/// Of zstd; it would take 16 MiB to read it.
fn large_window(body: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(24).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn spans_are_taken_and_those_that_are_none_are_told() {
    let world = World::new(router);
    let span = |id| SpanBuilder::new("", 1, id, 3);
    let body = message(0, &export([span(1), span(0)]));
    let (code, _, body) = call(
        &world,
        &uri(TRACES),
        &[("content-type", "application/grpc+proto")],
        body,
    )
    .await;
    assert_eq!(code, Code::Ok);
    let answer = ExportTraceServiceResponse::decode(&body[PREFIX..]).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);
    assert_eq!(
        world
            .store
            .trace(TraceId::from_bytes([1; 16]).unwrap())
            .len(),
        1
    );
}

/// Each with its code, its counter and a word of its message.
#[tokio::test]
async fn what_cannot_be_read_is_refused_and_counted() {
    let world = World::new(router);
    let good = export([SpanBuilder::new("", 1, 2, 3)]);
    let many: Vec<u8> = [0x0a, 0].into_iter().cycle().take(MAX - 10).collect();
    let lies = [&[0][..], &u32::MAX.to_be_bytes(), &good].concat();
    let (gz, zst) = (("grpc-encoding", "gzip"), ("grpc-encoding", "zstd"));
    let bomb = zstd::encode_all(&vec![0; 100 * MAX][..], 3).unwrap();
    for (path, headers, body, code, reason, word) in [
        (
            TRACES,
            &[CALL][..],
            message(0, &[0xff; 40]),
            Code::InvalidArgument,
            "malformed",
            "decode",
        ),
        (
            TRACES,
            &[CALL],
            Vec::new(),
            Code::InvalidArgument,
            "malformed",
            "",
        ),
        (
            TRACES,
            &[CALL],
            message(0, &good)[..30].to_vec(),
            Code::InvalidArgument,
            "malformed",
            "",
        ),
        (
            TRACES,
            &[CALL],
            message(7, &good),
            Code::InvalidArgument,
            "malformed",
            "",
        ),
        (
            TRACES,
            &[CALL],
            message(1, &good),
            Code::InvalidArgument,
            "malformed",
            "",
        ),
        (
            TRACES,
            &[CALL, gz],
            message(1, &good),
            Code::InvalidArgument,
            "malformed",
            "decompress",
        ),
        (
            TRACES,
            &[CALL, gz],
            message(1, &gzip(&good)[..20]),
            Code::InvalidArgument,
            "malformed",
            "decompress",
        ),
        (
            TRACES,
            &[CALL, zst],
            message(1, &large_window(&good)),
            Code::InvalidArgument,
            "malformed",
            "decompress",
        ),
        (
            TRACES,
            &[CALL, ("grpc-encoding", "br")],
            message(1, &good),
            Code::Unimplemented,
            "unsupported_encoding",
            "",
        ),
        (
            TRACES,
            &[CALL],
            message(0, &vec![0; MAX + 1]),
            Code::ResourceExhausted,
            "body_too_large",
            "smaller batches",
        ),
        (
            TRACES,
            &[CALL],
            lies,
            Code::ResourceExhausted,
            "body_too_large",
            "smaller batches",
        ),
        (
            TRACES,
            &[CALL],
            message(0, &many),
            Code::ResourceExhausted,
            "body_too_large",
            "decoded",
        ),
        (
            TRACES,
            &[CALL, gz],
            message(1, &gzip(&vec![0; 100 * MAX])),
            Code::ResourceExhausted,
            "body_too_large",
            "smaller batches",
        ),
        (
            TRACES,
            &[CALL, zst],
            message(1, &bomb),
            Code::ResourceExhausted,
            "body_too_large",
            "smaller batches",
        ),
        (
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            &[CALL],
            message(0, &good),
            Code::Unimplemented,
            "not_found",
            "Export",
        ),
    ] {
        let before = world.counted(reason);
        let (found, text, _) = call(&world, &uri(path), headers, body).await;
        assert_eq!(found, code, "{headers:?} {text}");
        assert!(text.contains(word), "{text}");
        assert_eq!(world.counted(reason), before + 1, "{reason}: {text}");
    }
    let (code, ..) = call(
        &world,
        &format!("http://evil.example{TRACES}"),
        &[CALL],
        message(0, &good),
    )
    .await;
    assert_eq!((code, world.counted("host")), (Code::PermissionDenied, 1));
    assert_eq!(world.store.received(), 0);
}

/// An exporter over HTTP goes by the status alone.
#[tokio::test]
async fn who_speaks_no_grpc_is_told_so_by_the_status_of_http() {
    let world = World::new(router);
    let export = export([SpanBuilder::new("", 1, 2, 3)]);
    let evil = format!("http://evil.example{TRACES}");
    for (uri, headers, status, reason, word) in [
        (
            &uri("/v1/traces"),
            &[("content-type", "application/x-protobuf")][..],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "4318",
        ),
        (
            &uri(TRACES),
            &[("content-type", "application/grpc-web")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "4318",
        ),
        (
            &uri(TRACES),
            &[],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "4318",
        ),
        (
            &evil,
            &[("content-type", "application/json")],
            StatusCode::MISDIRECTED_REQUEST,
            "host",
            "--allow-host",
        ),
    ] {
        let before = world.counted(reason);
        let answer = world.post(uri, headers, export.clone()).await;
        assert_eq!(answer.status(), status, "{uri} {headers:?}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains(word), "{text}");
        assert_eq!(world.counted(reason), before + 1, "{reason}");
    }
    assert_eq!(world.store.received(), 0);
}

#[tokio::test]
async fn other_signals_are_taken_and_thrown_away() {
    let world = World::new(router);
    for signal in ["metrics.v1.MetricsService", "logs.v1.LogsService"] {
        let uri = uri(&format!("/opentelemetry.proto.collector.{signal}/Export"));
        let (code, _, body) = call(&world, &uri, &[CALL], message(0, &[0xff; 100])).await;
        assert_eq!((code, &body[..]), (Code::Ok, &[0; PREFIX][..]));
    }
    let ignored = world.intake.stats.snapshot().ignored;
    assert_eq!((ignored.metrics, ignored.logs), (1, 1));
}
