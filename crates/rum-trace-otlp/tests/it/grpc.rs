//! OTLP over gRPC.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use rum_trace_loopback::reserved;
use rum_trace_otlp::{Compression, PipelineBuilder, Protocol};
use tonic::{Code, Status};

use super::support::grpc::GrpcCollector;
use super::support::{LONG, SHORT, builder, spans};

fn grpc() -> PipelineBuilder {
    builder().protocol(Protocol::Grpc)
}

#[test]
fn spans_arrive_with_token_and_resource() {
    let collector = GrpcCollector::start();
    let pipeline = grpc()
        .endpoint(collector.url())
        .token("t0ken")
        .header("x-tenant", "7")
        .build()
        .unwrap();
    spans(&pipeline, 3);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!((stats.ended(), stats.exported()), (3, 3));

    let received = collector.inbox.only();
    assert_eq!(collector.inbox.span_names(), ["span 0", "span 1", "span 2"]);
    assert_eq!(received.header("authentication"), Some("t0ken"));
    assert_eq!(received.header("x-tenant"), Some("7"));
    assert!(
        received
            .header("user-agent")
            .unwrap()
            .starts_with("rum-trace-otlp/")
    );
    assert_eq!(received.resource("service.name").as_deref(), Some("shop"));
}

#[test]
fn a_traces_endpoint_serves_too() {
    let collector = GrpcCollector::start();
    let pipeline = grpc().traces_endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 1);
    pipeline.shutdown(LONG).unwrap();
}

#[test]
fn each_compression_that_is_compiled_in_arrives() {
    let cases = [
        (Compression::None, None, true),
        (Compression::Gzip, Some("gzip"), cfg!(feature = "gzip")),
        (Compression::Zstd, Some("zstd"), cfg!(feature = "zstd")),
    ];
    for (compression, encoding, compiled_in) in cases {
        let collector = GrpcCollector::start();
        let pipeline = grpc()
            .endpoint(collector.url())
            .compression(compression)
            .build();
        if !compiled_in {
            let error = pipeline.unwrap_err().to_string();
            assert!(error.contains(encoding.unwrap()), "{error}");
            continue;
        }
        let pipeline = pipeline.unwrap();
        spans(&pipeline, 100);
        pipeline.shutdown(LONG).unwrap();
        let received = collector.inbox.only();
        assert_eq!(received.spans().len(), 100);
        // tonic's server takes the header away with the compression.
        assert_eq!(received.header("grpc-encoding"), encoding);
    }
}

#[test]
fn unavailable_is_tried_again() {
    let collector = GrpcCollector::answering(|n| {
        if n < 2 {
            Err(Status::unavailable("busy"))
        } else {
            Ok(ExportTraceServiceResponse::default())
        }
    });
    let pipeline = grpc().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 4);
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 4);
    let all = collector.inbox.all();
    assert_eq!(all.len(), 3);
    assert!(
        all.iter()
            .all(|received| received.request == all[0].request)
    );
}

/// The first call for the token panics. The batch is kept, and goes with the
/// second.
#[test]
fn a_token_whose_function_panics_is_asked_for_again() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let collector = GrpcCollector::start();
    let calls = AtomicUsize::new(0);
    let pipeline = grpc()
        .endpoint(collector.url())
        .header_with("x-token", move || {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            assert!(call > 0, "on purpose");
            Some("t0ken".to_owned())
        })
        .build()
        .unwrap();
    spans(&pipeline, 3);
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
    assert_eq!(collector.inbox.only().header("x-token"), Some("t0ken"));
}

#[test]
fn a_refusal_is_final_and_told_with_a_hint() {
    let collector = GrpcCollector::answering(|_| Err(Status::new(Code::Unauthenticated, "who?")));
    let pipeline = grpc().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 4);
    let error = pipeline.shutdown(LONG).unwrap_err();
    assert_eq!(error.lost(), 4);
    let text = error.to_string();
    assert!(text.contains("who?") && text.contains("token"), "{text}");
    assert_eq!(collector.inbox.all().len(), 1);
}

#[test]
fn spans_that_the_collector_rejects_are_not_exported() {
    let collector = GrpcCollector::answering(|_| {
        Ok(ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: 1,
                error_message: String::new(),
            }),
        })
    });
    let pipeline = grpc().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 3);
    let error = pipeline.shutdown(LONG).unwrap_err();
    assert_eq!(error.stats().unwrap().exported(), 2);
    assert_eq!(error.stats().unwrap().rejected(), 1);
}

#[test]
fn a_collector_that_is_down_is_an_error_with_the_number_of_lost_spans() {
    let pipeline = grpc()
        .endpoint(format!("http://{}", reserved()))
        .timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    spans(&pipeline, 7);
    let error = pipeline.shutdown(SHORT).unwrap_err();
    assert_eq!(error.lost(), 7);
    let text = error.to_string();
    assert!(text.contains("refused"), "{text}");
}

#[test]
fn a_collector_that_comes_back_is_found_again() {
    let collector = GrpcCollector::start();
    let port = collector.port();
    let pipeline = grpc().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 1);
    pipeline.flush().unwrap();
    drop(collector);

    // The connection is gone. Somebody else at the port answers again.
    let again = GrpcCollector::at(port);
    spans(&pipeline, 2);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!(stats.exported(), 3);
    assert_eq!(again.inbox.span_names().len(), 2);
}
