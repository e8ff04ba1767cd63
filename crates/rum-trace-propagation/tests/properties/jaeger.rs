//! `uber-trace-id`.

use super::config;
use super::generators::{assert_both, mixed, ows};
use super::oracle::jaeger as oracle;
use proptest::prelude::*;
use proptest::sample::select;
use rum_trace_propagation::UberTraceId;

fn values() -> impl Strategy<Value = Vec<u8>> {
    let valid = (
        ows(),
        "[0-9a-f]{32}|[0-9a-fA-F]{1,32}",
        "[0-9a-f]{16}|[0-9a-fA-F]{1,16}",
        "0|[0-9a-f]{16}",
        "[0-3]|0[0-9a-f]|[0-9a-f]{2}",
        select(vec![":", ":", ":", "%3A", "%3a"]),
        ows(),
    );
    mixed(valid.prop_map(|(a, trace, span, parent, flags, sep, b)| {
        format!("{a}{trace}{sep}{span}{sep}{parent}{sep}{flags}{b}")
    }))
}

#[test]
fn both_outcomes_are_common() {
    assert_both(values(), |value| oracle::parse(value).is_some());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn read_as_the_oracle_reads(value in values()) {
        let got = UberTraceId::parse(&value);
        if let Err(error) = &got {
            prop_assert!(error.at() <= value.len());
        }
        let read = |uber: UberTraceId| {
            let ids = (uber.trace_id().to_string(), uber.parent_id().to_string());
            (ids.0, ids.1, uber.sampled(), uber.debug())
        };
        prop_assert_eq!(got.ok().map(read), oracle::parse(&value));
    }
}
