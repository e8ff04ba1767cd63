//! Metrics as a test wants to compare them.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Histogram, Metric, MetricData, ResourceMetrics, ScopeMetrics, Sum,
};

/// `http.server.request.duration`.
pub const DURATION: &str = "http.server.request.duration";
/// `http.server.active_requests`.
pub const ACTIVE: &str = "http.server.active_requests";
/// `http.server.request.body.size`.
pub const REQUEST_SIZE: &str = "http.server.request.body.size";
/// `http.server.response.body.size`.
pub const RESPONSE_SIZE: &str = "http.server.response.body.size";
/// `rpc.server.call.duration`.
pub const CALL_DURATION: &str = "rpc.server.call.duration";

/// The attributes of a time series, as text.
pub type Labels = BTreeMap<String, String>;

/// All metrics at one moment.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    by_name: BTreeMap<String, Instrument>,
}

/// One instrument.
#[derive(Clone, Debug, Default)]
pub struct Instrument {
    /// Its unit.
    pub unit: String,
    /// Its bucket boundaries, if it is a histogram.
    pub bounds: Vec<f64>,
    /// Its time series.
    pub series: BTreeMap<Labels, Point>,
}

/// The value of one time series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// How many values a histogram was given; 0 for a counter.
    pub count: u64,
    /// Their sum, or a counter's value.
    pub sum: f64,
}

impl Metrics {
    pub(crate) fn read(exported: Option<&ResourceMetrics>) -> Self {
        let metrics = exported
            .into_iter()
            .flat_map(ResourceMetrics::scope_metrics)
            .flat_map(ScopeMetrics::metrics);
        let by_name = metrics
            .map(|metric| (metric.name().to_owned(), instrument(metric)))
            .collect();
        Metrics { by_name }
    }

    /// The instrument of this name; empty if it was never given a value.
    #[must_use]
    pub fn get(&self, name: &str) -> Instrument {
        self.by_name.get(name).cloned().unwrap_or_default()
    }

    /// How many values a histogram was given in all.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        let points = self.get(name).series.into_values();
        points.map(|point| point.count).sum()
    }

    /// Whether no request is active, in any of the series.
    #[must_use]
    pub fn nothing_is_active(&self) -> bool {
        self.get(ACTIVE)
            .series
            .values()
            .all(|point| point.sum == 0.0)
    }

    /// Every value of every label.
    pub fn label_values(&self) -> impl Iterator<Item = &str> {
        self.by_name
            .values()
            .flat_map(|instrument| instrument.series.keys())
            .flat_map(|labels| labels.values().map(String::as_str))
    }
}

fn instrument(metric: &Metric) -> Instrument {
    let mut instrument = match metric.data() {
        AggregatedMetrics::F64(MetricData::Histogram(data)) => histogram(data),
        AggregatedMetrics::I64(MetricData::Sum(data)) => sum(data, |value| value as f64),
        AggregatedMetrics::U64(MetricData::Sum(data)) => sum(data, |value| value as f64),
        other => panic!("{} is {other:?}", metric.name()),
    };
    instrument.unit = metric.unit().to_owned();
    instrument
}

fn histogram(data: &Histogram<f64>) -> Instrument {
    let mut instrument = Instrument::default();
    for point in data.data_points() {
        instrument.bounds = point.bounds().collect();
        let value = Point {
            count: point.count(),
            sum: point.sum(),
        };
        instrument.series.insert(labels(point.attributes()), value);
    }
    instrument
}

fn sum<T: Copy>(data: &Sum<T>, value: impl Fn(T) -> f64) -> Instrument {
    let mut instrument = Instrument::default();
    for point in data.data_points() {
        let point_value = Point {
            count: 0,
            sum: value(point.value()),
        };
        instrument
            .series
            .insert(labels(point.attributes()), point_value);
    }
    instrument
}

fn labels<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Labels {
    attributes
        .map(|pair| (pair.key.to_string(), pair.value.as_str().into_owned()))
        .collect()
}
