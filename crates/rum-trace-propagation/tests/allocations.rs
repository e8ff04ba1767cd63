//! What reading a request's headers costs in allocations: nothing for W3C
//! headers as browsers send them, one buffer for `sw8`.
//!
//! The counting allocator is that of `allocation-counter`; it counts by thread,
//! so that tests beside each other don't disturb the numbers.

#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "the tables use more of it")]
mod support;

use allocation_counter::measure;
use rum_trace_propagation::rum::RumField;
use rum_trace_propagation::{RumFields, Sw8, TraceParent, TraceState};
use std::hint::black_box;
use support::{Capture, capture, captures};

/// How often the work allocates, and what it gives.
fn allocations(mut work: impl FnMut()) -> u64 {
    // Once before, so that nothing lazy of the platform is counted.
    work();
    measure(work).count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1_u8)))), 1);
    assert_eq!(allocations(|| ()), 0);
}

/// Looks at each value, as a caller would.
fn inspect(fields: &RumFields<'_>) -> usize {
    let of = [
        &fields.version,
        &fields.app_type,
        &fields.app_id,
        &fields.session_id,
        &fields.user_id,
        &fields.sdk_version,
        &fields.app_version,
        &fields.channel,
    ];
    of.into_iter()
        .flatten()
        .map(RumField::value)
        .map(str::len)
        .sum()
}

fn w3c_allocations(capture: &Capture) -> u64 {
    let parent = capture.header("traceparent").unwrap();
    let state = capture.header("tracestate").unwrap();
    allocations(|| {
        let read = TraceParent::parse(black_box(parent)).unwrap();
        black_box((read.trace_id(), read.parent_id(), read.flags().is_sampled()));
        let fields = RumFields::read(black_box([state]), None);
        assert!(black_box(inspect(&fields)) > 0);
        let list = TraceState::parse(black_box(state)).unwrap();
        assert!(black_box(list.get("foo")).is_none());
        assert_eq!(black_box(list.members().count()), 1);
    })
}

#[test]
fn w3c_headers_of_a_browser_allocate_nothing() {
    assert_eq!(w3c_allocations(&capture("w3c_fetch")), 0);
}

#[test]
fn w3c_headers_of_no_client_allocate() {
    let mut measured = 0;
    for capture in captures() {
        if ["traceparent", "tracestate"]
            .iter()
            .all(|name| capture.header(name).is_some())
        {
            assert_eq!(w3c_allocations(&capture), 0, "{}", capture.case);
            measured += 1;
        }
    }
    assert!(measured >= 12, "{measured}");
}

#[test]
fn one_canonical_line_of_several_members_allocates_nothing() {
    let line = b"congo=t61rcWkgMzE,rum=v2&browser&p@1&s&u,rojo=00f067aa0ba902b7".as_slice();
    let count = allocations(|| {
        let list = TraceState::parse_fields(black_box([line])).unwrap();
        assert_eq!(black_box(list.len()), 3);
        let fields = RumFields::read(black_box([line]), None);
        assert!(black_box(inspect(&fields)) > 0);
    });
    assert_eq!(count, 0);
}

#[test]
fn refusing_a_header_allocates_nothing() {
    let count = allocations(|| {
        assert!(TraceParent::parse(black_box(b"00-0-0-01")).is_err());
        assert!(TraceState::parse(black_box(b"foo=1,Bar=2")).is_err());
    });
    assert_eq!(count, 0);
}

#[test]
fn sw8_allocates_its_one_buffer() {
    let mut measured = 0;
    for capture in captures() {
        let malformed = capture.malformed.iter().any(|name| name == "sw8");
        let Some(value) = capture.header("sw8").filter(|_| !malformed) else {
            continue;
        };
        let count = allocations(|| {
            let read = Sw8::parse(black_box(value)).unwrap();
            black_box((read.otel_trace_id(), read.otel_parent_id(), read.app_id()));
            assert!(!black_box(read.service()).is_empty());
        });
        assert_eq!(count, 1, "{}", capture.case);
        measured += 1;
    }
    assert!(measured >= 14, "{measured}");
}
