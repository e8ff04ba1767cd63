//! `sw8-x` and `sw8-correlation`.

use super::support::Bytes;
use super::{Expected, expect_eq, run};
use rum_trace_propagation::sw8::{Sw8Extension, correlation};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(rename = "in")]
    input: Bytes,
    #[serde(flatten)]
    expected: Expected<Fields, Fault>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    skip_analysis: bool,
    sent_at_millis: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Fault {
    at: usize,
}

#[test]
fn extension_table() {
    run(
        "sw8-x",
        |row: &Row| row.name.clone(),
        |row| match (Sw8Extension::parse(&row.input.get()), &row.expected) {
            (Ok(read), Expected::Ok(fields)) => {
                expect_eq("skip", read.skip_analysis(), fields.skip_analysis)?;
                expect_eq("sent at", read.sent_at_millis(), fields.sent_at_millis)?;
                let printed = read.encode();
                let again = Sw8Extension::parse(printed.as_bytes());
                expect_eq("read again", again.ok(), Some(read))
            }
            (Err(error), Expected::Err(fault)) => expect_eq("byte", error.at(), fault.at),
            (got, expected) => Err(format!("{got:?}, expected {expected:?}")),
        },
    );
}

#[derive(Deserialize)]
struct Pairs {
    name: String,
    #[serde(rename = "in")]
    input: Bytes,
    pairs: Vec<Option<(String, String)>>,
}

#[test]
fn correlation_table() {
    run(
        "sw8-correlation",
        |row: &Pairs| row.name.clone(),
        |row| {
            let input = row.input.get();
            let read: Vec<_> = correlation::pairs(&input).map(Result::ok).collect();
            expect_eq("pairs", &read, &row.pairs)
        },
    );
}

#[test]
fn correlation_prints_three_short_pairs_at_most() {
    let long = "x".repeat(129);
    let limit = "x".repeat(128);
    let pairs = [
        ("a", "1"),
        ("long", &long),
        ("b", &limit),
        ("c", ""),
        ("d", "4"),
    ];
    let text = correlation::encode(pairs);
    let read: Vec<_> = correlation::pairs(text.as_bytes())
        .map(Result::unwrap)
        .collect();
    let expected = [("a", "1"), ("b", limit.as_str()), ("c", "")];
    assert_eq!(read, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(
        correlation::encode([("session", "4f04d2f5")]),
        "c2Vzc2lvbg==:NGYwNGQyZjU="
    );
}
