//! The books as OpenTelemetry metrics, by the conventions for SDKs.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider};

use crate::stats::{Accounts, Books, DropReason};

const COMPONENT_TYPE: &str = "otel.component.type";
const ERROR_TYPE: &str = "error.type";
const PROCESSOR: &str = "batching_span_processor";

const PROCESSED: &str = "otel.sdk.processor.span.processed";
const QUEUE_SIZE: &str = "otel.sdk.processor.span.queue.size";
const QUEUE_CAPACITY: &str = "otel.sdk.processor.span.queue.capacity";
const EXPORTED: &str = "otel.sdk.exporter.span.exported";
const IN_FLIGHT: &str = "otel.sdk.exporter.span.inflight";
const LIVE: &str = "otel.sdk.span.live";
/// What has no standard name.
const SPOOLED: &str = "rum.export.spooled";

/// Observes the books whenever metrics are collected.
pub(crate) fn observe(
    provider: &dyn MeterProvider,
    accounts: &Arc<Accounts>,
    capacity: u64,
    exporter: &'static str,
) {
    let scope = opentelemetry::InstrumentationScope::builder("rum-trace-otlp")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let meter = provider.meter_with_scope(scope);
    counter(&meter, PROCESSED, "{span}", accounts, move |books, all| {
        processed(books, all);
    });
    counter(&meter, EXPORTED, "{span}", accounts, move |books, all| {
        exported(books, exporter, all);
    });
    gauge(&meter, QUEUE_SIZE, PROCESSOR, accounts, |books| {
        books.stats.queued()
    });
    gauge(&meter, QUEUE_CAPACITY, PROCESSOR, accounts, move |_| {
        capacity
    });
    gauge(&meter, IN_FLIGHT, exporter, accounts, |books| {
        books.stats.in_flight()
    });
    gauge(&meter, LIVE, PROCESSOR, accounts, |books| {
        books.stats.open()
    });
    gauge(&meter, SPOOLED, exporter, accounts, |books| {
        books.stats.spooled()
    });
}

type Observer<'a> = &'a dyn AsyncInstrument<u64>;

/// "For failed processing, `error.type` MUST contain the failure cause", with
/// the two names that the conventions give.
fn processed(books: &Books, observer: Observer<'_>) {
    let failed = [
        ("queue_full", books.door.full),
        ("already_shutdown", books.door.late),
        ("forked", books.door.forked),
    ];
    observer.observe(books.taken, &[component(PROCESSOR)]);
    for (cause, spans) in failed {
        let cause = KeyValue::new(ERROR_TYPE, cause);
        observer.observe(spans, &[component(PROCESSOR), cause]);
    }
}

/// "Rejected spans MUST count as failed", and an attempt that is tried again
/// is none.
fn exported(books: &Books, exporter: &'static str, observer: Observer<'_>) {
    observer.observe(books.stats.exported(), &[component(exporter)]);
    let rejected = KeyValue::new(ERROR_TYPE, "rejected");
    observer.observe(books.stats.rejected(), &[component(exporter), rejected]);
    for reason in DropReason::ALL {
        let spans = books.dropped_after_the_door(reason);
        if spans > 0 {
            let cause = KeyValue::new(ERROR_TYPE, reason.as_str());
            observer.observe(spans, &[component(exporter), cause]);
        }
    }
}

fn component(name: &'static str) -> KeyValue {
    KeyValue::new(COMPONENT_TYPE, name)
}

fn counter(
    meter: &Meter,
    name: &'static str,
    unit: &'static str,
    accounts: &Arc<Accounts>,
    observe: impl Fn(&Books, Observer<'_>) + Send + Sync + 'static,
) {
    let accounts = Arc::clone(accounts);
    meter
        .u64_observable_counter(name)
        .with_unit(unit)
        .with_callback(move |observer| observe(&accounts.books(), observer))
        .build();
}

/// A number that goes up and down.
fn gauge(
    meter: &Meter,
    name: &'static str,
    of: &'static str,
    accounts: &Arc<Accounts>,
    value: impl Fn(&Books) -> u64 + Send + Sync + 'static,
) {
    let accounts = Arc::clone(accounts);
    meter
        .i64_observable_up_down_counter(name)
        .with_unit("{span}")
        .with_callback(move |observer| {
            let value = i64::try_from(value(&accounts.books())).unwrap_or(i64::MAX);
            observer.observe(value, &[component(of)]);
        })
        .build();
}
