//! What this adapter tells the metrics: sizes of bodies, and how requests end.

mod support;

use std::convert::Infallible;

use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics, SumDataPoint,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Meters {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Meters {
    fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        Meters { provider, exporter }
    }

    /// Count and sum of all points: of a histogram, or of a gauge's sum.
    fn read(&self, name: &str) -> (u64, i64) {
        self.exporter.reset();
        self.provider.force_flush().expect("flushed");
        let exports = self.exporter.get_finished_metrics().expect("metrics");
        let mut metrics = exports
            .iter()
            .flat_map(ResourceMetrics::scope_metrics)
            .flat_map(ScopeMetrics::metrics);
        metrics
            .find(|metric| metric.name() == name)
            .map_or((0, 0), values)
    }
}

fn values(metric: &Metric) -> (u64, i64) {
    match metric.data() {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
            histogram.data_points().fold((0, 0), |(count, sum), point| {
                (count + point.count(), sum + point.sum() as i64)
            })
        }
        AggregatedMetrics::I64(MetricData::Sum(sum)) => {
            (0, sum.data_points().map(SumDataPoint::value).sum())
        }
        other => panic!("{other:?}"),
    }
}

#[actix_web::test]
async fn sizes_are_those_of_the_bodies() {
    const REQUEST: &str = "http.server.request.body.size";
    const RESPONSE: &str = "http.server.response.body.size";
    let spans = Spans::new();
    let meters = Meters::new();
    let trace = spans.trace_with(|b| b.meter_provider(&meters.provider));
    let server = Server::start(trace, |config| {
        let streamed = || async { HttpResponse::Ok().streaming(chunks(["one ", "two ", "three"])) };
        config
            .route("/text", web::to(|body: String| async move { body }))
            .route("/streamed", web::to(streamed));
    });
    // Head and body; count and sum of the requests' so far, sum of the responses'.
    // What has no content has no size, unless it says that it is empty.
    let table = [
        ("GET /text", "", (0, 0), 0),
        ("GET /streamed", "", (0, 0), 13),
        ("POST /text", "content-length: 5\r\n\r\nhello", (1, 5), 18),
        ("POST /text", "content-length: 0\r\n\r\n", (2, 5), 18),
    ];
    for (i, (target, rest, request, response)) in (1..).zip(table) {
        let rest = if rest.is_empty() { "\r\n" } else { rest };
        let sent = format!("{target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{rest}");
        server.send(&sent).await;
        spans.one().await;
        assert_eq!(meters.read(REQUEST), request, "{target}");
        assert_eq!(meters.read(RESPONSE), (i, response), "{target}");
    }
}

#[actix_web::test]
async fn no_request_stays_active() {
    const ACTIVE: &str = "http.server.active_requests";
    let spans = Spans::new();
    let meters = Meters::new();
    let trace = spans.trace_with(|b| b.meter_provider(&meters.provider));
    let server = Server::start(trace, |config| {
        let panics = || async {
            if true {
                panic!("in the handler");
            }
            "never"
        };
        let endless = || async {
            let chunk = || Some(Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 65_536])));
            HttpResponse::Ok().streaming(Items(std::iter::from_fn(chunk)))
        };
        config
            .route("/text", web::to(|| async { "text" }))
            .route("/panics", web::to(panics))
            .route("/endless", web::to(endless));
    });
    let mut stream = server.connect().await;
    let request = b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n";
    stream.write_all(request).await.expect("sent");
    stream.read_exact(&mut [0; 1024]).await.expect("begun");
    assert_eq!(meters.read(ACTIVE).1, 1);
    drop(stream);
    spans.one().await;
    for path in ["/text", "/panics", "/none"] {
        server.request("GET", path, &[]).await;
        spans.one().await;
    }
    assert_eq!(meters.read(ACTIVE).1, 0);
}
