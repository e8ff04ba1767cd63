//! `Forwarded`.

use super::config;
use super::generators::{assert_both, mixed, ows};
use super::oracle::forwarded as oracle;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rum_trace_propagation::forwarded::{ForwardedElement, from_right, is_host};

fn node() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,3}\\.[0-9]{1,2}\\.0\\.[0-9]{1,2}",
        "192\\.0\\.2\\.[0-9]",
        "\"(192\\.0\\.2\\.60|\\[2001:db8(:[0-9a-f]{1,4}){1,3}::17\\]|unknown|_[a-z.]{0,3})(:([0-9]{1,6}|_[a-z]))?\"",
        Just("unknown".to_owned()),
        "_[a-zA-Z0-9._-]{0,4}",
    ]
}

fn pair() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => node().prop_map(|node| format!("for={node}")),
        1 => node().prop_map(|node| format!("By={node}")),
        2 => "[pP]roto=(http|https|h2c|\"wss\"|9)",
        2 => "host=(shop\\.example|\"shop\\.example:[0-9]{1,6}\"|\"\\[::1\\]:80\"|\"[a-z ]{0,3}\")",
        1 => "[a-z]{1,3}=\"([a-z,;=]|\\\\\"|\\\\\\\\){0,6}\"",
    ];
    (ows(), value, ows()).prop_map(|(a, pair, b)| format!("{a}{pair}{b}"))
}

fn valid() -> impl Strategy<Value = String> {
    vec(prop_oneof![6 => pair(), 1 => Just(String::new())], 1..4).prop_map(|pairs| pairs.join(";"))
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    mixed(valid())
}

fn read(bytes: &[u8]) -> Option<oracle::Element> {
    let element = ForwardedElement::parse(bytes).ok()?;
    let address = |node: rum_trace_propagation::forwarded::Node| node.address();
    Some(oracle::Element {
        client: element
            .client()
            .map(|node| address(node).map(|it| it.to_string())),
        host: element.host().map(str::to_owned),
        proto: element.proto().map(str::to_owned),
    })
}

#[test]
fn both_outcomes_are_common() {
    assert_both(values(), |value| oracle::element(value).is_some());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn read_as_the_oracle_reads(value in values()) {
        if let Err(error) = ForwardedElement::parse(&value) {
            prop_assert!(error.at() <= value.len());
        }
        prop_assert_eq!(read(&value), oracle::element(&value));
    }

    /// What a client sends does not change what a proxy writes behind it.
    #[test]
    fn what_stands_to_the_left_changes_nothing(
        left in vec(select(b"for=\",;\\ 1.[x".to_vec()), 0..30),
        element in valid(),
    ) {
        let parsed = ForwardedElement::parse(element.as_bytes());
        prop_assume!(parsed.is_ok() && !element.trim().is_empty());
        let line = [&left, &b", "[..], element.as_bytes()].concat();
        prop_assert_eq!(from_right(&line).next(), Some(parsed));
    }

    #[test]
    fn a_list_is_its_elements_the_last_one_first(elements in vec(valid(), 0..5)) {
        let is_valid = |it: &&String| ForwardedElement::parse(it.as_bytes()).is_ok();
        let elements: Vec<&String> = elements.iter().filter(is_valid).collect();
        let line = elements.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(",");
        let read: Vec<_> = from_right(line.as_bytes()).collect();
        let elements = elements.iter().rev().filter(|it| !it.trim().is_empty());
        let expected: Vec<_> = elements.map(|it| ForwardedElement::parse(it.as_bytes())).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn whatever_is_a_host_is_short_of_what_urls_are_made_of(text in "[a-z0-9.:@/?#\\[\\] ]{0,12}") {
        prop_assert!(!is_host(text.as_bytes()) || !text.contains(['@', '/', '?', '#', ' ']));
    }
}
