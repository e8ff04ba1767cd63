//! Receivers on real sockets, with real senders, and with connections that mean
//! no good.

use std::net::TcpListener as StdListener;
use std::time::Duration;

use opentelemetry::trace::{
    Span as _, SpanKind as SentKind, Status as SentStatus, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Array, KeyValue, Value as Sent};
use opentelemetry_otlp::{
    Compression as OtlpCompression, Protocol as OtlpProtocol, SpanExporter, WithExportConfig as _,
    WithHttpConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource as SentResource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace_otlp::{Compression, Pipeline, Protocol};
use rum_trace_propagation::TraceId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

/// For what happens at once, on a machine that has much else to do.
const SOON: Duration = Duration::from_secs(60);

fn free() -> Option<SocketAddr> {
    Some((Ipv4Addr::LOCALHOST, 0).into())
}

async fn both() -> Collector {
    let options = Options {
        grpc: free(),
        ..Options::loopback()
    };
    Collector::start(options).await.unwrap()
}

/// A span with something of every kind, and its trace.
fn record(provider: &SdkTracerProvider) -> TraceId {
    let tracer = provider.tracer("sender");
    let mut span = tracer
        .span_builder("GET /orders")
        .with_kind(SentKind::Server)
        .with_attributes([
            KeyValue::new("http.route", "/orders"),
            KeyValue::new("http.response.status_code", 500),
            KeyValue::new("half", 0.5),
            KeyValue::new("sure", true),
            KeyValue::new("list", Sent::Array(Array::I64(vec![1, -2]))),
        ])
        .start(&tracer);
    span.add_event(
        "exception",
        vec![KeyValue::new("exception.message", "ü\u{1b}")],
    );
    span.set_status(SentStatus::error("it broke"));
    let trace_id = span.span_context().trace_id();
    span.end();
    TraceId::from_bytes(trace_id.to_bytes()).unwrap()
}

fn assert_kept(collector: &Collector, trace_id: TraceId, sender: &str) {
    let spans = collector.store().trace(trace_id);
    let [span] = &*spans else {
        panic!("{sender}: {spans:?}")
    };
    assert_eq!(
        (span.service(), &*span.scope.name, &*span.name),
        ("shop", "sender", "GET /orders"),
        "{sender}"
    );
    assert_eq!(
        (span.kind, span.error(), span.parent),
        (SpanKind::Server, Some("it broke"), None),
        "{sender}"
    );
    assert_eq!(
        (
            span.text("http.route"),
            span.number("http.response.status_code")
        ),
        (Some("/orders"), Some(500))
    );
    assert_eq!(
        span.attributes.get("half"),
        Some(&Value::Double(0.5)),
        "{sender}"
    );
    assert_eq!(
        span.attributes.get("sure"),
        Some(&Value::Bool(true)),
        "{sender}"
    );
    let list = Value::Array([Value::Int(1), Value::Int(-2)].into());
    assert_eq!(span.attributes.get("list"), Some(&list), "{sender}");
    assert_eq!(
        span.events[0].attributes.text("exception.message"),
        Some("ü\u{1b}"),
        "{sender}"
    );
    assert!(
        span.events[0].time >= span.start && span.end >= span.start && span.start > 0,
        "{sender}"
    );
    assert_eq!(span.flags & 1, 1, "{sender}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_our_own_pipeline_arrive() {
    let collector = both().await;
    for (protocol, address) in [
        (Protocol::Grpc, collector.grpc()),
        (Protocol::HttpProtobuf, collector.http()),
    ] {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let pipeline = Pipeline::builder()
                .ignore_environment()
                .service_name("shop")
                .endpoint(format!("http://{}", address.unwrap()))
                .protocol(protocol)
                .compression(compression)
                .build()
                .unwrap();
            let trace_id = record(pipeline.tracer_provider());
            let stopped = tokio::task::spawn_blocking(move || pipeline.shutdown(SOON));
            stopped.await.unwrap().unwrap();
            assert_kept(
                &collector,
                trace_id,
                &format!("{protocol:?} {compression:?}"),
            );
        }
    }
    let stats = collector.stats();
    assert_eq!((collector.store().received(), stats.requests), (6, 6));
    assert_eq!(stats.refused.requests.values().sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_the_exporter_of_opentelemetry_arrive() {
    let collector = both().await;
    let http = format!("http://{}/v1/traces", collector.http().unwrap());
    let grpc = format!("http://{}", collector.grpc().unwrap());
    for compression in [
        None,
        Some(OtlpCompression::Gzip),
        Some(OtlpCompression::Zstd),
    ] {
        for protocol in [
            OtlpProtocol::Grpc,
            OtlpProtocol::HttpBinary,
            OtlpProtocol::HttpJson,
        ] {
            let endpoint = if protocol == OtlpProtocol::Grpc {
                &grpc
            } else {
                &http
            };
            let exporter = exporter(protocol, compression, endpoint).await;
            let resource = SentResource::builder_empty()
                .with_service_name("shop")
                .build();
            let provider = SdkTracerProvider::builder()
                .with_resource(resource)
                .with_batch_exporter(exporter)
                .build();
            let trace_id = record(&provider);
            let stopped = tokio::task::spawn_blocking(move || provider.shutdown());
            stopped.await.unwrap().unwrap();
            assert_kept(
                &collector,
                trace_id,
                &format!("{protocol:?} {compression:?}"),
            );
        }
    }
}

async fn exporter(
    protocol: OtlpProtocol,
    compression: Option<OtlpCompression>,
    endpoint: &str,
) -> SpanExporter {
    if protocol == OtlpProtocol::Grpc {
        let mut builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
        if let Some(compression) = compression {
            builder = builder.with_compression(compression);
        }
        return builder.build().unwrap();
    }
    let mut builder = SpanExporter::builder()
        .with_http()
        .with_protocol(protocol)
        .with_endpoint(endpoint);
    if let Some(compression) = compression {
        builder = builder.with_compression(compression);
    }
    // Its client starts a runtime of its own.
    tokio::task::spawn_blocking(|| builder.build().unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_taken_port_is_told_with_what_to_do() {
    let taken = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    for (options, option) in [
        (
            Options {
                grpc: Some(address),
                ..Options::default()
            },
            "--grpc",
        ),
        (
            Options {
                http: Some(address),
                ..Options::default()
            },
            "--http",
        ),
    ] {
        let error = Collector::start(options).await.unwrap_err();
        assert!(matches!(error, StartError::Taken { .. }));
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("port {} on 127.0.0.1 is taken", address.port())),
            "{text}"
        );
        assert!(text.contains(&format!("{option} 127.0.0.1:0")), "{text}");
    }
    // Of a network for documentation: nobody's own.
    let foreign = Options {
        http: Some(([192, 0, 2, 1], 0).into()),
        ..Options::default()
    };
    let error = Collector::start(foreign).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot listen on 192.0.2.1:0 (--http): "),
        "{error}"
    );
}

#[tokio::test]
async fn once_stopped_nobody_listens() {
    let collector = both().await;
    let addresses = [collector.grpc(), collector.http()].map(Option::unwrap);
    // An idle connection does not hold it up.
    let mut idle = TcpStream::connect(addresses[1]).await.unwrap();
    timeout(SOON, collector.stop()).await.unwrap();
    for address in addresses {
        assert!(TcpStream::connect(address).await.is_err());
    }
    assert_eq!(
        timeout(SOON, idle.read(&mut [0; 1]))
            .await
            .unwrap()
            .unwrap_or(0),
        0
    );
}

async fn impatient(patience: Patience, requests: RequestLimits) -> Collector {
    let options = Options {
        patience,
        requests,
        grpc: free(),
        ..Options::loopback()
    };
    Collector::start(options).await.unwrap()
}

/// What the other side says until it closes the connection.
async fn answer(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // Reset or closed: both are an end.
    let _ = timeout(SOON, stream.read_to_end(&mut text)).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn who_never_finishes_a_head_is_closed() {
    let patience = Patience {
        first_request: Duration::from_millis(50),
        ..Patience::default()
    };
    let collector = impatient(patience, RequestLimits::default()).await;
    let mut closed = Vec::new();
    for address in [collector.grpc(), collector.http()].map(Option::unwrap) {
        for sent in [
            "",
            "P",
            "PRI * HTTP/2.0\r\n",
            "POST /v1/traces HTTP/1.1\r\nhost: x",
            "GET ",
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            closed.push(tokio::spawn(answer(stream)));
        }
    }
    for closed in closed {
        closed.await.unwrap();
    }
    // None was a request.
    assert_eq!(collector.stats().refused.requests.values().sum::<u64>(), 0);
}

#[tokio::test]
async fn who_never_finishes_a_body_is_told_and_counted() {
    let requests = RequestLimits {
        body_time: Duration::from_millis(50),
        ..RequestLimits::default()
    };
    let collector = impatient(Patience::default(), requests).await;
    let mut stream = TcpStream::connect(collector.http().unwrap()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let text = answer(stream).await;
    // With a status that OTLP lets it be sent again for.
    assert!(
        text.starts_with("HTTP/1.1 503 ") && text.contains("took too long"),
        "{text}"
    );
    assert!(text.contains("retry-after: 1\r\n"), "{text}");
    assert_eq!(collector.stats().refused.requests["timeout"], 1);
}

#[tokio::test]
async fn who_is_refused_while_sending_still_reads_why() {
    let requests = RequestLimits {
        body: 1024 * 1024,
        ..RequestLimits::default()
    };
    let collector = impatient(Patience::default(), requests).await;
    let mut stream = TcpStream::connect(collector.http().unwrap()).await.unwrap();
    let length = 3 * 1024 * 1024;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // All of it, before a byte of the answer is read.
    stream.write_all(&vec![b' '; length]).await.unwrap();
    let text = answer(stream).await;
    assert!(
        text.starts_with("HTTP/1.1 413 ") && text.contains("smaller batches"),
        "{text}"
    );
}

#[tokio::test]
async fn over_the_limit_of_connections_the_next_is_closed() {
    let patience = Patience {
        connections: 2,
        ..Patience::default()
    };
    let collector = impatient(patience, RequestLimits::default()).await;
    let address = collector.http().unwrap();
    let asked = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(asked.as_bytes()).await.unwrap();
        // Answered: it has its place.
        timeout(SOON, stream.read(&mut [0; 1]))
            .await
            .unwrap()
            .unwrap();
        held.push(stream);
    }
    assert_eq!(answer(TcpStream::connect(address).await.unwrap()).await, "");
    assert_eq!(collector.stats().connections_turned_away, 1);
    drop(held);
    // Their places are free again, as soon as that is noticed.
    let next = async {
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(asked.as_bytes()).await;
            if matches!(stream.read(&mut [0; 1]).await, Ok(1)) {
                break;
            }
        }
    };
    timeout(SOON, next).await.unwrap();
}
