//! `sw8-correlation`.

use super::config;
use super::generators::{assert_both, mixed, ows};
use super::oracle::{base64, correlation as oracle};
use proptest::collection::vec;
use proptest::prelude::*;
use rum_trace_propagation::sw8::correlation;

fn pair() -> impl Strategy<Value = (String, String)> {
    ("\\PC{1,6}", prop_oneof!["\\PC{0,6}", "[a-z]{126,130}"])
}

fn value() -> impl Strategy<Value = String> {
    let member = (ows(), pair(), ows()).prop_map(|(before, (key, value), after)| {
        let [key, value] = [key, value].map(|text| base64::encode(text.as_bytes()));
        format!("{before}{key}:{value}{after}")
    });
    let member = prop_oneof![9 => member, 1 => ows().prop_map(str::to_owned)];
    vec(member, 0..5).prop_map(|members| members.join(","))
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    mixed(value())
}

#[test]
fn both_outcomes_are_common() {
    assert_both(values(), |value| {
        oracle::pairs(value).iter().all(Option::is_some)
    });
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn read_as_the_oracle_reads(value in values()) {
        let read: Vec<_> = correlation::pairs(&value).map(Result::ok).collect();
        prop_assert_eq!(read, oracle::pairs(&value));
    }

    #[test]
    fn printed_as_the_oracle_prints_and_read_again(pairs in vec(pair(), 0..6)) {
        let text = correlation::encode(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        prop_assert_eq!(&text, &oracle::encode(&pairs));
        let read: Vec<_> = correlation::pairs(text.as_bytes()).map(Result::unwrap).collect();
        let kept: Vec<_> = pairs.into_iter().filter(|(_, v)| v.len() <= 128).take(3).collect();
        prop_assert_eq!(read, kept);
    }
}
