//! Each parser against a second implementation, on valid, nearly valid and
//! random bytes; and every valid value through printing and parsing again.

#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

#[path = "../oracle/mod.rs"]
mod oracle;

mod b3;
mod baggage;
mod correlation;
mod forwarded;
mod generators;
mod jaeger;
mod rum;
mod sw8;
mod sw8_ids;
mod traceparent;
mod tracestate;

use proptest::prelude::ProptestConfig;

/// As many cases as `PROPTEST_CASES` asks for, or 256. Nothing is written to
/// disk: a failure prints its smallest input, which then becomes a table row.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
