//! The requests' part in the metrics.

use std::collections::BTreeMap;

use super::{Expected, Size};
use crate::metrics::{
    ACTIVE, DURATION, Instrument, Labels, Metrics, Point, REQUEST_SIZE, RESPONSE_SIZE,
};

/// Checks the metrics of all requests since the start.
///
/// # Panics
///
/// If they are not as expected.
pub fn check_metrics(expected: &[Expected], found: &Metrics) {
    let duration = found.get(DURATION);
    let counted = expected.iter().map(|e| (e.metric_labels(), Some(0)));
    assert_eq!(counts(&duration), counts(&sums(counted)), "durations");

    let active = found.get(ACTIVE);
    let zeros = expected
        .iter()
        .map(|e| (e.active_labels(), Point::default()));
    assert_eq!(active.series, zeros.collect(), "active requests");

    let request = found.get(REQUEST_SIZE);
    let sizes = expected.iter().filter_map(|e| {
        let size = e.request_size?;
        Some((e.metric_labels(), Some(size)))
    });
    assert_eq!(request.series, sums(sizes).series, "request sizes");

    // Before there is a response it has no size.
    let answered = expected.iter().filter(|e| e.status.is_some());
    let sizes = answered.filter_map(|e| match e.response_size {
        Size::Exactly(bytes) => Some((e.metric_labels(), Some(bytes))),
        Size::Open => Some((e.metric_labels(), None)),
        Size::Unseen => None,
    });
    check_sizes(&found.get(RESPONSE_SIZE), &sizes.collect::<Vec<_>>());
}

fn check_sizes(found: &Instrument, expected: &[(Labels, Option<u64>)]) {
    let all = sums(expected.iter().cloned());
    assert_eq!(counts(found), counts(&all), "response sizes");
    for (labels, point) in &all.series {
        let mut same = expected.iter().filter(|(other, _)| other == labels);
        if same.all(|(_, size)| size.is_some()) {
            assert_eq!(found.series[labels].sum, point.sum, "{labels:?}");
        }
    }
}

/// What a histogram holds that was given these values.
fn sums(values: impl Iterator<Item = (Labels, Option<u64>)>) -> Instrument {
    let mut instrument = Instrument::default();
    for (labels, value) in values {
        let point: &mut Point = instrument.series.entry(labels).or_default();
        point.count += 1;
        point.sum += value.unwrap_or_default() as f64;
    }
    instrument
}

fn counts(instrument: &Instrument) -> BTreeMap<Labels, u64> {
    let series = instrument.series.iter();
    series
        .map(|(labels, point)| (labels.clone(), point.count))
        .collect()
}
