//! The session on every span and log record of a request, in services on both frameworks.

// Clippy's leave for tests does not reach the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::{App, HttpServer, rt, web};
use axum::Router;
use axum::routing::get;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer};
use rum_trace::actix::RumTrace;
use rum_trace::axum::RumTraceLayer;
use rum_trace::opentelemetry::logs::AnyValue;
use rum_trace::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use rum_trace::otlp::{Pipeline, SessionLogProcessor};
use rum_trace::{ContextSnapshot, Instrumenter};
use tokio::sync::oneshot;
use tracing_subscriber::layer::SubscriberExt as _;

const PATIENCE: Duration = Duration::from_secs(60);

/// By name of the span, and by message: session and app.
type Told = BTreeMap<String, Option<(String, String)>>;

/// What a service does for a request, in its handler and in two tasks.
async fn work(tracer: SdkTracer) -> &'static str {
    let with = {
        let tracer = tracer.clone();
        ContextSnapshot::current().wrap(async move {
            tokio::task::yield_now().await;
            tracing::info!("task with the context");
            drop(tracer.start("task with the context"));
        })
    };
    let without = {
        let tracer = tracer.clone();
        async move {
            tracing::info!("task without");
            drop(tracer.start("task without"));
        }
    };
    tracing::info!("handler");
    drop(tracer.start("handler"));
    tokio::spawn(with).await.unwrap();
    tokio::spawn(without).await.unwrap();
    "served"
}

/// A running service, and how it is stopped.
struct Service {
    address: SocketAddr,
    stop: Box<dyn FnOnce()>,
    thread: JoinHandle<()>,
}

fn on_axum(listener: TcpListener, instrumenter: Instrumenter, tracer: SdkTracer) -> Service {
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = Router::new()
        .route("/work", get(move || work(tracer.clone())))
        .layer(RumTraceLayer::new(instrumenter));
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let stopped = async { drop(stopped.await) };
            let server = axum::serve(listener, app).with_graceful_shutdown(stopped);
            server.await.unwrap();
        });
    });
    Service {
        address,
        stop: Box::new(|| drop(stop)),
        thread,
    }
}

fn on_actix(listener: TcpListener, instrumenter: Instrumenter, tracer: SdkTracer) -> Service {
    let address = listener.local_addr().unwrap();
    let (started, handle) = mpsc::channel();
    let trace = RumTrace::new(instrumenter);
    let thread = thread::spawn(move || {
        rt::System::new().block_on(async {
            let server = HttpServer::new(move || {
                let tracer = tracer.clone();
                App::new()
                    .route("/work", web::get().to(move || work(tracer.clone())))
                    .wrap(trace.clone())
            });
            let server = server
                .workers(1)
                .disable_signals()
                .listen(listener)
                .unwrap();
            let server = server.run();
            started.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let handle = handle.recv_timeout(PATIENCE).unwrap();
    Service {
        address,
        // It is told by the call; the future is for those who wait. Not gracefully:
        // actix-server before 2.10 can lose the order, and then waits for ever.
        stop: Box::new(move || drop(handle.stop(false))),
        thread,
    }
}

/// A request as a browser's RUM SDK sends it.
fn ask(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = "GET /work HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\
         traceparent: 00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01\r\n\
         tracestate: rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("served"), "{answer}");
}

fn text(value: &AnyValue) -> String {
    match value {
        AnyValue::String(text) => text.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn told_by_logs(exporter: &InMemoryLogExporter) -> Told {
    let records = exporter.get_emitted_logs().unwrap();
    let ours = records.iter().map(|it| &it.record);
    // The libraries below log, too.
    let ours = ours.filter(|it| it.target().is_some_and(|target| target == "session"));
    ours.map(|record| {
        let get = |name: &str| {
            let found = record.attributes_iter().find(|it| it.0.as_str() == name);
            found.map(|(_, value)| text(value))
        };
        let told = get("session.id").zip(get("rum.app.id"));
        (text(record.body().unwrap()), told)
    })
    .collect()
}

fn told_by_spans(exporter: &InMemorySpanExporter) -> Told {
    let spans = exporter.get_finished_spans().unwrap();
    let told = spans.iter().map(|span| {
        let get = |name: &str| {
            let found = span.attributes.iter().find(|it| it.key.as_str() == name);
            found.map(|it| it.value.as_str().into_owned())
        };
        let told = get("session.id").zip(get("rum.app.id"));
        (span.name.to_string(), told)
    });
    told.collect()
}

/// One test, since the subscriber is the process's.
#[test]
fn everything_of_a_request_has_it_on_both_frameworks() {
    let logs = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_log_processor(SessionLogProcessor::new())
        .with_simple_exporter(logs.clone())
        .build();
    let bridge = OpenTelemetryTracingBridge::new(&provider);
    let subscriber = tracing_subscriber::registry().with(bridge);
    tracing::subscriber::set_global_default(subscriber).unwrap();

    for serve in [on_axum, on_actix] {
        let spans = InMemorySpanExporter::default();
        let pipeline = Pipeline::builder()
            .ignore_environment()
            .service_name("shop")
            .session_on_every_span(true)
            .span_exporter(spans.clone())
            .build()
            .unwrap();
        let builder = Instrumenter::builder().span_starter(pipeline.span_starter());
        let instrumenter = builder.build().unwrap();
        let tracer = pipeline.tracer_provider().tracer("shop");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = serve(listener, instrumenter, tracer);
        ask(service.address);
        (service.stop)();
        service.thread.join().unwrap();
        pipeline.flush().unwrap();

        let phone = Some(("4f04d2f5".to_owned(), "demo123@53df7ad2afe8301".to_owned()));
        let expected = [
            ("GET /work", phone.clone()),
            ("handler", phone.clone()),
            ("task with the context", phone),
            ("task without", None),
        ];
        let mut expected = Told::from(expected.map(|(name, told)| (name.to_owned(), told)));
        assert_eq!(told_by_spans(&spans), expected);
        expected.remove("GET /work");
        assert_eq!(told_by_logs(&logs), expected);
        logs.reset();
        assert_eq!(pipeline.shutdown(PATIENCE).unwrap().exported(), 4);
    }
}
