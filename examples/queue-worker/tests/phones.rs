//! The service, asked by phones over a real socket; the queue between its parts.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rum_trace::Instrumenter;
use rum_trace::axum::RumTraceLayer;
use rum_trace::opentelemetry::global;
use rum_trace::opentelemetry::trace::{SpanKind, TracerProvider};
use rum_trace_testing::{Collector, Phone, PhoneRequest, SpanView};
use serde_json::Value;
use tokio_util::task::TaskTracker;

/// What the service logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The one line with this message, since the last time.
    fn take(&self, message: &str) -> Value {
        let text = self.0.lock().expect("not poisoned").clone();
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let lines = lines.map(|line| serde_json::from_slice::<Value>(line).expect("JSON"));
        let mut found = lines.filter(|line| line["fields"]["message"] == message);
        let line = found
            .next()
            .unwrap_or_else(|| panic!("no line {message:?}"));
        assert!(found.next().is_none(), "{message:?} twice");
        line
    }

    fn clear(&self) {
        self.0.lock().expect("not poisoned").clear();
    }
}

async fn serve(collector: &Collector, lines: &Lines) -> SocketAddr {
    let provider = collector.tracer_provider();
    global::set_tracer_provider(provider.clone());
    let writer = lines.clone();
    queue_worker::log::install(provider.tracer("shop"), move || writer.clone()).expect("the first");
    let instrumenter = Instrumenter::builder()
        .tracer_provider(&provider)
        .tracing_spans(true)
        .build()
        .expect("valid");
    let (queue, messages) = queue_worker::queue();
    let app = queue_worker::app(
        RumTraceLayer::new(instrumenter.clone()),
        queue,
        TaskTracker::new(),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    // Both end with the test's runtime.
    tokio::spawn(queue_worker::work(instrumenter, messages));
    tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
    address
}

async fn send(tap: &PhoneRequest) -> u16 {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = http::Request::builder().method(tap.method()).uri(tap.url());
    for (name, value) in tap.headers() {
        request = request.header(*name, value);
    }
    let request = request
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(br#"{"item":42,"count":1}"#)))
        .expect("a request");
    client
        .request(request)
        .await
        .expect("an answer")
        .status()
        .as_u16()
}

fn assert_messaging(span: &SpanView, operation: &'static str) {
    span.assert_attribute("messaging.system", "in_memory")
        .assert_attribute("messaging.operation.name", operation)
        .assert_attribute("messaging.operation.type", operation)
        .assert_attribute("messaging.destination.name", "orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tap_is_one_trace_through_the_queue_and_in_the_background() {
    let collector = Collector::new();
    let lines = Lines::default();
    let address = serve(&collector, &lines).await;
    for phone in [
        Phone::browser(),
        Phone::uniapp(),
        Phone::android(),
        Phone::ios(),
        Phone::browser().sw8(),
    ] {
        collector.reset();
        lines.clear();
        let tap = phone.tap("POST", format!("http://{address}/orders"));
        assert_eq!(send(&tap).await, 202);
        collector.wait_for_async(4).await;

        let server = collector.assert_continues(&tap);
        server.assert_name("POST /orders").assert_rum(&tap);
        let producer = server.child("send orders");
        producer.assert_kind(SpanKind::Producer);
        assert_messaging(&producer, "send");
        let consumer = producer.child("process orders");
        consumer.assert_kind(SpanKind::Consumer);
        assert_messaging(&consumer, "process");
        let links = &consumer.data().links;
        assert_eq!(links.len(), 1);
        assert_eq!(
            links[0].span_context.span_id().to_string(),
            producer.span_id()
        );

        // sw8 names no session, and what it names goes no further.
        if tap.sw8_trace_id().is_none() {
            consumer.assert_rum(&tap);
        }
        let session = tap.session_id().map_or(Value::Null, Value::from);
        let packed = lines.take("order packed");
        assert_eq!(packed["fields"]["session.id"], session);

        // The background task: as a child, and in its log line.
        server
            .child("send confirmation")
            .assert_kind(SpanKind::Internal);
        let confirmed = lines.take("confirmation sent");
        let request = &confirmed["spans"][0];
        assert_eq!(request["trace_id"], server.trace_id());
        assert_eq!(request["span_id"], server.span_id());
        assert_eq!(request["session.id"], session);
    }
}
