//! The books as metrics.

use std::collections::BTreeMap;

use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

use super::support::http::{HttpCollector, Reply};
use super::support::{LONG, builder, spans};

/// All points as `name{error.type}` with their values.
fn points(exporter: &InMemoryMetricExporter) -> BTreeMap<String, i64> {
    let exports = exporter.get_finished_metrics().unwrap();
    exports
        .last()
        .into_iter()
        .flat_map(ResourceMetrics::scope_metrics)
        .flat_map(ScopeMetrics::metrics)
        .flat_map(values)
        .collect()
}

fn values(metric: &Metric) -> Vec<(String, i64)> {
    let named = |attributes: Vec<(String, String)>| {
        let error = attributes.into_iter().find(|(key, _)| key == "error.type");
        match error {
            Some((_, cause)) => format!("{}{{{cause}}}", metric.name()),
            None => metric.name().to_owned(),
        }
    };
    let text = |kv: &opentelemetry::KeyValue| (kv.key.to_string(), kv.value.to_string());
    match metric.data() {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => sum
            .data_points()
            .map(|point| {
                (
                    named(point.attributes().map(text).collect()),
                    point.value() as i64,
                )
            })
            .collect(),
        AggregatedMetrics::I64(MetricData::Sum(sum)) => sum
            .data_points()
            .map(|point| (named(point.attributes().map(text).collect()), point.value()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_numbers_are_those_of_the_books() {
    let exporter = InMemoryMetricExporter::default();
    let meters = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(exporter.clone()).build())
        .build();
    let collector = HttpCollector::answering(|n| match n {
        0 => Reply::partial(2, "too long"),
        1 => Reply::status(400),
        _ => Reply::ok(),
    });
    let pipeline = builder()
        .endpoint(collector.url())
        .meter_provider(meters.clone())
        .max_queue_size(1_000)
        .build()
        .unwrap();
    for count in [5, 3, 4] {
        spans(&pipeline, count);
        let _ = pipeline.flush();
    }
    pipeline.shutdown(LONG).unwrap_err();
    meters.force_flush().unwrap();

    let expected = [
        ("otel.sdk.exporter.span.exported", 7),
        ("otel.sdk.exporter.span.exported{refused}", 3),
        ("otel.sdk.exporter.span.exported{rejected}", 2),
        ("otel.sdk.exporter.span.inflight", 0),
        ("otel.sdk.processor.span.processed", 12),
        ("otel.sdk.processor.span.processed{already_shutdown}", 0),
        ("otel.sdk.processor.span.processed{forked}", 0),
        ("otel.sdk.processor.span.processed{queue_full}", 0),
        ("otel.sdk.processor.span.queue.capacity", 1_000),
        ("otel.sdk.processor.span.queue.size", 0),
        ("otel.sdk.span.live", 0),
        ("rum.export.spooled", 0),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    assert_eq!(points(&exporter), expected);
}
