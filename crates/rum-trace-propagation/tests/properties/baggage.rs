//! `baggage`.

use super::config;
use super::generators::{assert_both, mixed, ows};
use super::oracle::baggage as oracle;
use proptest::collection::vec;
use proptest::prelude::*;
use rum_trace_propagation::baggage::{MAX_ENTRIES, MAX_LEN, compose, entries};

fn field() -> impl Strategy<Value = String> {
    let value =
        "[a-zA-Z0-9@=._!#$&'()*+/:<>?{|}~\\[\\]^`-]{0,6}|(%[0-9a-fA-F]{2}){1,4}|[a-z%]{1,4}";
    let property = "|;[a-z]{1,3}|; ?[a-z]{1,3}=[a-z]{1,3}( ?; ?[a-z])?";
    let entry = (
        ows(),
        "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,4}",
        ows(),
        ows(),
        value,
        ows(),
        property,
        ows(),
    );
    let entry = entry.prop_map(|(a, key, b, c, value, d, property, e)| {
        format!("{a}{key}{b}={c}{value}{d}{property}{e}")
    });
    let entry = prop_oneof![9 => entry, 1 => ows().prop_map(str::to_owned)];
    vec(entry, 0..5).prop_map(|entries| entries.join(","))
}

fn fields() -> impl Strategy<Value = Vec<u8>> {
    mixed(field())
}

#[test]
fn both_outcomes_are_common() {
    assert_both(fields(), |field| {
        oracle::entries(field).iter().all(Option::is_some)
    });
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn read_as_the_oracle_reads(field in fields()) {
        let mut read = Vec::new();
        for entry in entries(&field) {
            read.push(match entry {
                Ok(entry) => Some(oracle::Entry {
                    key: entry.key().to_owned(),
                    value: entry.value().to_owned(),
                    properties: entry.properties().to_owned(),
                }),
                Err(error) => {
                    prop_assert!(error.at() <= field.len());
                    None
                }
            });
        }
        prop_assert_eq!(read, oracle::entries(&field));
    }

    #[test]
    fn what_is_composed_is_read_again(list in vec((key(), "\\PC{0,12}", properties()), 0..5)) {
        let all = || list.iter().map(|(k, v, p)| (k.as_str(), v.as_str(), p.as_str()));
        let header = compose(all());
        let read: Vec<_> = entries(header.as_bytes()).map(Result::unwrap).collect();
        let read: Vec<_> = read.iter().map(|it| (it.key(), it.value(), it.properties())).collect();
        let expected: Vec<_> = all().filter(|(key, ..)| !key.contains(' ')).collect();
        prop_assert_eq!(read, expected);
        // Octets of the header (W3C Baggage, §3.3.1), as they may go into any.
        prop_assert!(header.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", header);
    }
}

/// Tokens, and now and then what is none.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[a-z!#$%&'*+.^_`|~-]{1,6}", 1 => "[a-z]{1,3} [a-z]{1,3}"]
}

fn properties() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,3}=[a-z0-9%]{0,4}", "a=1;b"]
}

#[test]
fn what_is_over_a_limit_is_left_out_whole() {
    let long = "v".repeat(1_000);
    let many: Vec<String> = (0..100).map(|n| format!("k{n}")).collect();
    let composed = compose(many.iter().map(|key| (key.as_str(), long.as_str(), "")));
    assert!(composed.len() <= MAX_LEN);
    assert_eq!(entries(composed.as_bytes()).count(), 8);
    let composed = compose(many.iter().map(|key| (key.as_str(), "1", "")));
    assert_eq!(entries(composed.as_bytes()).count(), MAX_ENTRIES);
    // What comes after one that is too long can still fit.
    let huge = "h".repeat(9_000);
    assert_eq!(
        compose([("a", "1", ""), ("b", &huge, ""), ("c", "3", "x,y")]),
        "a=1,c=3"
    );
}
