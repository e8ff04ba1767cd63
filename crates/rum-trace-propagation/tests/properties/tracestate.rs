//! `tracestate`: one line, several lines, and printing within a limit.

use super::config;
use super::generators::{assert_both, lines, mixed, ows};
use super::oracle::tracestate as oracle;
use proptest::collection::vec;
use proptest::prelude::*;
use rum_trace_propagation::TraceState;
use rum_trace_propagation::tracestate::{compose, is_legal_member};

/// Keys of few letters, so that duplicates come up; now and then a long one.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z0-9][a-z0-9_*/@-]{0,2}",
        2 => Just("rum".to_owned()),
        1 => "[a-z]{255,257}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[ -+\\--<>-~]{0,6}[!-+\\--<>-~]",
        2 => "v2&browser&[a-z]{3}@[0-9a-f]{3}&[0-9a-f]{8}&uid_[a-z0-9]{4}",
        1 => "[a-z]{120,130}",
        1 => "[a-z]{255,257}",
    ]
}

fn line() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        12 => (ows(), key(), value(), ows()).prop_map(|(a, k, v, b)| format!("{a}{k}={v}{b}")),
        1 => ows().prop_map(str::to_owned),
    ];
    let members = prop_oneof![6 => vec(member.clone(), 1..5), 1 => vec(member, 28..36)];
    members.prop_map(|members| members.join(","))
}

fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    lines(mixed(line()))
}

fn oracle_of(fields: &[Vec<u8>]) -> Option<Vec<(String, String)>> {
    oracle::parse(&fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn owned(state: &TraceState<'_>) -> Vec<(String, String)> {
    state
        .members()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

#[test]
fn both_outcomes_are_common() {
    assert_both(fields(), |fields| oracle_of(fields).is_some());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn read_as_the_oracle_reads(fields in fields()) {
        let read = TraceState::parse_fields(fields.iter().map(Vec::as_slice));
        if let Err(error) = &read {
            prop_assert!(error.field() < fields.len());
            prop_assert!(error.at() <= fields[error.field()].len());
        }
        let expected = oracle_of(&fields);
        prop_assert_eq!(read.as_ref().ok().map(owned), expected.clone());
        if let (Ok(state), Some(members)) = (&read, &expected) {
            prop_assert_eq!(state.as_str(), oracle::print(members));
            prop_assert_eq!(state.len(), members.len());
        }
        if let [only] = fields.as_slice() {
            prop_assert_eq!(TraceState::parse(only), read);
        }
    }

    #[test]
    fn canonical_text_is_read_as_itself(fields in fields()) {
        if let Ok(state) = TraceState::parse_fields(fields.iter().map(Vec::as_slice)) {
            let again = TraceState::parse(state.as_str().as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(&state));
            prop_assert_eq!(state.clone().into_owned(), state);
        }
    }

    #[test]
    fn members_are_legal_by_the_oracle(key in "[ -~é]{0,4}|[a-z]{255,257}", value in "[ -~\té]{0,4}|[a-z]{255,257}") {
        prop_assert_eq!(is_legal_member(&key, &value), oracle::legal(&key, &value));
    }

    #[test]
    fn composed_as_the_oracle_composes(
        members in vec((key(), value()), 0..40),
        max_len in prop_oneof![0..700_usize, 0..40_usize, Just(512)],
    ) {
        let borrowed = members.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let text = compose(borrowed, max_len);
        prop_assert!(text.len() <= max_len);
        prop_assert_eq!(text, oracle::compose(&members, max_len));
    }
}
