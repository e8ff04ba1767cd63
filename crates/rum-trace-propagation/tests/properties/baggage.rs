//! `baggage`.

use super::config;
use super::generators::{assert_both, mixed, ows};
use super::oracle::baggage as oracle;
use proptest::collection::vec;
use proptest::prelude::*;
use rum_trace_propagation::baggage::entries;

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
}
