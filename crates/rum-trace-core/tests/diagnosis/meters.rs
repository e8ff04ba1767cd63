//! The counters as metrics.

use std::collections::{BTreeMap, HashMap};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

use crate::cases::request;
use crate::support::Harness;

/// A meter provider, and what its counters are now.
pub(crate) struct Meters {
    pub(crate) provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter.clone()).build())
            .build();
        Meters { provider, exporter }
    }

    /// The points of a counter: its labels' values by their order, and its number.
    pub(crate) fn points(&self, name: &str) -> BTreeMap<String, u64> {
        self.exporter.reset();
        self.provider.force_flush().expect("flushed");
        let exports = self.exporter.get_finished_metrics().expect("metrics");
        let scopes = exports.iter().flat_map(ResourceMetrics::scope_metrics);
        scopes
            .flat_map(ScopeMetrics::metrics)
            .filter(|metric| metric.name() == name)
            .flat_map(points)
            .collect()
    }
}

fn points(metric: &Metric) -> Vec<(String, u64)> {
    let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() else {
        panic!("another kind of metric: {:?}", metric.data());
    };
    assert!(sum.is_monotonic());
    sum.data_points()
        .map(|point| (labels(point.attributes()), point.value()))
        .collect()
}

/// What is counted first, then carrier, then part, as the cases write it.
fn labels<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let attributes: HashMap<&str, String> = attributes
        .map(|label| (label.key.as_str(), label.value.to_string()))
        .collect();
    let known = [
        "rum_trace.carrier.class",
        "rum_trace.finding",
        "rum_trace.carrier.protocol",
        "rum_trace.carrier.part",
    ];
    let found: Vec<&str> = known
        .iter()
        .filter_map(|name| attributes.get(name).map(String::as_str))
        .collect();
    assert_eq!(found.len(), attributes.len(), "no others: {attributes:?}");
    found.join(" ")
}

pub(crate) const REQUESTS: &str = "rum_trace.server.requests";

pub(crate) const FINDINGS: &str = "rum_trace.server.findings";

#[test]
fn two_instrumenters_on_one_meter_add_up() {
    let meters = Meters::new();
    let one = Harness::with(|builder| builder.meter_provider(&meters.provider));
    let other = Harness::with(|builder| builder.meter_provider(&meters.provider));
    one.serve(&request(&[]));
    other.serve(&request(&[]));
    other.serve(&request(&[("sw8", "x")]));
    let expected = |absent| {
        let malformed = ("malformed sw8".to_owned(), 1);
        BTreeMap::from([("absent".to_owned(), absent), malformed])
    };
    assert_eq!(meters.points(REQUESTS), expected(2));
    one.serve(&request(&[]));
    // Whoever is gone at the last collection is told of all the same.
    drop(one);
    assert_eq!(meters.points(REQUESTS), expected(3));
    assert_eq!(meters.points(REQUESTS), expected(3), "and once");
}
