//! What requests came to, as metrics.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};

use super::before_collecting;
use crate::diagnosis::{CarrierClass, Finding};
use crate::stats::Counters;
use crate::{Carrier, Stats, semconv};

/// Has the meter told what the counters have counted, whenever a reader collects.
///
/// They are counters that are added to then, and not observable ones: of those the
/// SDK takes the last number that is observed, and two instrumenters on one meter
/// would each tell theirs.
pub(super) fn tell(meter: &Meter, counters: &Arc<Counters>) {
    let telling = Telling {
        requests: meter
            .u64_counter(semconv::RUM_TRACE_SERVER_REQUESTS)
            .with_unit("{request}")
            .with_description("Requests, by what became of the caller's trace.")
            .build(),
        findings: meter
            .u64_counter(semconv::RUM_TRACE_SERVER_FINDINGS)
            .with_unit("{finding}")
            .with_description("What was found in the trace headers of requests.")
            .build(),
        // Not the instrumenter: it may go, and its last requests are told all the same.
        counters: Arc::clone(counters),
        told: Mutex::default(),
    };
    before_collecting(meter, move || telling.tell());
}

struct Telling {
    requests: Counter<u64>,
    findings: Counter<u64>,
    counters: Arc<Counters>,
    /// What has been added already. Under a lock, since two readers may collect at
    /// once; no request waits for it.
    told: Mutex<Stats>,
}

impl Telling {
    fn tell(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.counters.snapshot();
        for class in CarrierClass::all() {
            let new = now
                .requests_in(class)
                .saturating_sub(told.requests_in(class));
            if new > 0 {
                self.add_requests(class, new);
            }
        }
        for (finding, count) in now.findings() {
            let new = count.saturating_sub(told.found(finding));
            if new > 0 {
                self.add_findings(finding, new);
            }
        }
        *told = now;
    }

    fn add_requests(&self, class: CarrierClass, new: u64) {
        let labels = [
            Some(KeyValue::new(
                semconv::RUM_TRACE_CARRIER_CLASS,
                class.as_str(),
            )),
            class.carrier().map(protocol),
        ];
        add(&self.requests, new, labels);
    }

    fn add_findings(&self, finding: Finding, new: u64) {
        let part = |part| KeyValue::new(semconv::RUM_TRACE_CARRIER_PART, part);
        let labels = [
            Some(KeyValue::new(semconv::RUM_TRACE_FINDING, finding.as_str())),
            finding.carrier().map(protocol),
            finding.part().map(part),
        ];
        add(&self.findings, new, labels);
    }
}

fn protocol(carrier: Carrier) -> KeyValue {
    KeyValue::new(semconv::RUM_TRACE_CARRIER_PROTOCOL, carrier.as_str())
}

fn add<const N: usize>(counter: &Counter<u64>, new: u64, labels: [Option<KeyValue>; N]) {
    let labels: Vec<KeyValue> = labels.into_iter().flatten().collect();
    counter.add(new, &labels);
}
