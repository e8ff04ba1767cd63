//! The service, asked over a real socket: when its spans end, and how.

mod support;

use axum::http::Uri;
use futures_util::{SinkExt, StreamExt};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ScopeMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use rum_trace::opentelemetry::trace::{SpanKind, Status};
use rum_trace_testing::{Phone, PhoneRequest};
use streaming::Price;
use support::{Download, Service, ended, in_time, server_span, wait_for};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};

fn tap(url: String) -> PhoneRequest {
    Phone::browser().tap("GET", url)
}

/// The span of a response that did not complete.
#[track_caller]
fn assert_failed(tap: &PhoneRequest, route: &str, error: &'static str) {
    let span = server_span(tap);
    span.assert_name(route)
        // The head was fine.
        .assert_attribute("http.response.status_code", 200)
        .assert_attribute("error.type", error);
    assert_eq!(span.data().status, Status::error(""));
}

#[tokio::test]
async fn the_span_covers_all_events() {
    let service = Service::start().await;
    let tap = tap(service.url("/prices?at_most=3"));
    let mut events = Download::begin(&tap).await;
    for cents in 1..=3 {
        assert!(ended(&tap).is_empty(), "event {cents} is still to come");
        service.market.publish(Price { item: 42, cents });
        let event = events.next().await.expect("an event").expect("no error");
        assert_eq!(
            event,
            format!("data: {{\"item\":42,\"cents\":{cents}}}\n\n")
        );
    }
    assert!(events.next().await.is_none(), "the end");
    // No waiting: it has ended before the client sees the end.
    let span = server_span(&tap);
    span.assert_name("GET /prices")
        .assert_rum(&tap)
        .assert_attribute("http.response.status_code", 200)
        .assert_no_attribute("error.type");
    assert_eq!(span.data().status, Status::Unset);
}

#[tokio::test]
async fn a_client_that_leaves_between_events() {
    let service = Service::start().await;
    let tap = tap(service.url("/prices"));
    let mut events = Download::begin(&tap).await;
    service.market.publish(Price { item: 42, cents: 1 });
    assert!(events.next().await.is_some_and(|event| event.is_ok()));
    assert!(ended(&tap).is_empty());
    drop(events);
    wait_for(&tap, 1).await;
    assert_failed(&tap, "GET /prices", "client_disconnected_in_body");
}

#[tokio::test]
async fn a_stream_that_breaks_off() {
    let service = Service::start().await;
    let tap = tap(service.url("/prices"));
    let mut events = Download::begin(&tap).await;
    // On this runtime's one thread nobody reads before the loop is over, so that
    // the watcher falls behind.
    for cents in 0..100 {
        service.market.publish(Price { item: 42, cents });
    }
    while events.next().await.expect("no orderly end").is_ok() {}
    wait_for(&tap, 1).await;
    assert_failed(&tap, "GET /prices", "response_body_error");
}

#[tokio::test]
async fn a_download_counts_to_the_last_byte() {
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let meters = SdkMeterProvider::builder().with_reader(reader).build();
    let service = Service::start_with(|settings| settings.meter_provider(&meters)).await;
    let tap = tap(service.url("/export?rows=2500"));
    let mut export = Download::begin(&tap).await;
    let mut received = Vec::new();
    while let Some(bytes) = export.next().await {
        received.extend_from_slice(&bytes.expect("no error"));
    }
    let text = String::from_utf8(received).expect("text");
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!((rows.len(), rows[0], rows[2499]), (2500, "0,0", "2499,99"));

    let span = server_span(&tap);
    span.assert_name("GET /export")
        .assert_no_attribute("error.type");
    // What the task did is a part of the trace.
    wait_for(&tap, 2).await;
    span.child("write export")
        .assert_attribute("export.rows", 2500)
        .assert_attribute("export.complete", true);

    meters.force_flush().expect("flushed");
    assert_eq!(body_sizes(&exporter), [(1, text.len() as u64)]);
}

/// How many responses, and how many bytes in all, by set of attributes.
fn body_sizes(exporter: &InMemoryMetricExporter) -> Vec<(u64, u64)> {
    let collected = exporter.get_finished_metrics().expect("metrics");
    let last = collected.last().expect("a collection");
    let metric = last
        .scope_metrics()
        .flat_map(ScopeMetrics::metrics)
        .find(|metric| metric.name() == "http.server.response.body.size");
    let Some(AggregatedMetrics::F64(MetricData::Histogram(sizes))) = metric.map(Metric::data)
    else {
        panic!("no histogram: {last:?}")
    };
    sizes
        .data_points()
        .map(|point| (point.count(), point.sum() as u64))
        .collect()
}

#[tokio::test]
async fn a_client_that_leaves_in_mid_download() {
    let service = Service::start().await;
    let tap = tap(service.url(&format!("/export?rows={}", u64::MAX)));
    let mut export = Download::begin(&tap).await;
    assert!(export.next().await.is_some_and(|bytes| bytes.is_ok()));
    assert!(ended(&tap).is_empty());
    drop(export);
    // The task ends too: its next chunk has nowhere to go.
    wait_for(&tap, 2).await;
    assert_failed(&tap, "GET /export", "client_disconnected_in_body");
    server_span(&tap)
        .child("write export")
        .assert_attribute("export.complete", false);
}

#[tokio::test]
async fn a_socket_outlives_its_span() {
    let service = Service::start().await;
    let tap = tap(service.url("/live"));
    let uri: Uri = tap.url().replace("http:", "ws:").parse().expect("a URI");
    let mut request = ClientRequestBuilder::new(uri);
    for (name, value) in tap.headers() {
        request = request.with_header(*name, value);
    }
    let stream = TcpStream::connect(service.address)
        .await
        .expect("connected");
    let opened = in_time(tokio_tungstenite::client_async(request, stream)).await;
    let (mut socket, head) = opened.expect("a socket");
    assert_eq!(head.status(), 101);

    // No waiting: it has ended before the client sees the 101.
    let span = server_span(&tap);
    span.assert_name("GET /live")
        .assert_attribute("http.response.status_code", 101)
        .assert_no_attribute("error.type");
    assert_eq!(ended(&tap).len(), 1);

    let session = tap.session_id().expect("a browser tells its session");
    for (count, text) in ["tea", "cake"].into_iter().enumerate() {
        in_time(socket.send(Message::text(text)))
            .await
            .expect("sent");
        let reply = in_time(socket.next())
            .await
            .expect("open")
            .expect("a reply");
        assert_eq!(reply, Message::text(format!("{session}: {text}")));
        // The message's span has ended before its reply went out.
        let messages = span.children();
        assert_eq!(messages.len(), count + 1);
        assert!(
            messages
                .iter()
                .all(|message| message.name() == "live message")
        );
    }
    in_time(socket.close(None)).await.expect("closed");
    assert_eq!(server_spans(&tap), 1, "and only one of the request");
}

fn server_spans(tap: &PhoneRequest) -> usize {
    let mut spans = ended(tap);
    spans.retain(|span| span.kind() == SpanKind::Server);
    spans.len()
}
