//! B3, single and multi.

use super::config;
use super::generators::{assert_both, mixed, ows};
use super::oracle::b3 as oracle;
use proptest::option;
use proptest::prelude::*;
use rum_trace_propagation::B3;
use rum_trace_propagation::b3::B3Headers;

const TRACE_ID: &str = "[0-9a-f]{32}|[0-9a-f]{16}|[0-9A-Fa-f]{32}|0{16}[0-9a-f]{16}";
const STATE: &str = "0|1|d|true|false";

fn single() -> impl Strategy<Value = Vec<u8>> {
    let state = prop_oneof![
        1 => Just(String::new()),
        3 => STATE.prop_map(|state| format!("-{state}")),
        1 => (STATE, "[0-9a-f]{16}").prop_map(|(state, parent)| format!("-{state}-{parent}")),
    ];
    let whole = (ows(), TRACE_ID, "[0-9a-fA-F]{16}", state, ows())
        .prop_map(|(a, trace, span, state, b)| format!("{a}{trace}-{span}{state}{b}"));
    mixed(prop_oneof![5 => whole, 1 => STATE])
}

type Headers = [Option<Vec<u8>>; 4];

fn multi() -> impl Strategy<Value = Headers> {
    let ids = (
        option::weighted(0.9, mixed(TRACE_ID)),
        option::weighted(0.9, mixed("[0-9a-fA-F]{16}")),
    );
    let rest = (option::of(mixed(STATE)), option::of(mixed("[01]")));
    let good = (
        TRACE_ID,
        "[0-9a-fA-F]{16}",
        option::of(STATE),
        option::of("[01]"),
    );
    prop_oneof![
        (ids, rest).prop_map(|((trace, span), (sampled, flags))| [trace, span, sampled, flags]),
        good.prop_map(|(trace, span, sampled, flags)| {
            [Some(trace), Some(span), sampled, flags].map(|header| header.map(String::into_bytes))
        }),
    ]
}

fn oracle_of(headers: &Headers) -> Option<oracle::Read> {
    oracle::multi(headers.each_ref().map(Option::as_deref))
}

fn read(b3: &B3) -> (Option<(String, String)>, String) {
    let context = b3
        .context()
        .map(|(trace, span)| (trace.to_string(), span.to_string()));
    (context, format!("{:?}", b3.sampling()))
}

fn expected(read: Option<oracle::Read>) -> Option<(Option<(String, String)>, String)> {
    read.map(|(context, sampling)| (context, sampling.to_owned()))
}

#[test]
fn both_outcomes_are_common() {
    assert_both(single(), |value| oracle::single(value).is_some());
    assert_both(multi(), |headers| oracle_of(headers).is_some());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn single_is_read_as_the_oracle_reads(value in single()) {
        let got = B3::parse_single(&value);
        if let Err(error) = &got {
            prop_assert!(error.at() <= value.len());
        }
        prop_assert_eq!(got.as_ref().ok().map(read), expected(oracle::single(&value)));
    }

    #[test]
    fn multi_is_read_as_the_oracle_reads(headers in multi()) {
        let [trace_id, span_id, sampled, flags] = headers.each_ref().map(Option::as_deref);
        let got = B3::parse_multi(B3Headers { trace_id, span_id, sampled, flags });
        prop_assert_eq!(got.as_ref().ok().map(read), expected(oracle_of(&headers)));
    }
}
