//! `tracestate`: reading a list, printing one within a limit.

use super::support::Bytes;
use super::{Expected, Fault, expect, expect_eq, run};
use rum_trace_propagation::TraceState;
use rum_trace_propagation::tracestate::{compose, is_legal_member};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    name: String,
    fields: Vec<Bytes>,
    #[serde(flatten)]
    expected: Expected<List, LineFault>,
}

#[derive(Debug, Deserialize)]
struct List {
    text: Bytes,
    members: usize,
}

#[derive(Debug, Deserialize)]
struct LineFault {
    part: String,
    field: usize,
    at: usize,
}

#[test]
fn table() {
    run("tracestate", |row: &Row| row.name.clone(), check);
}

fn check(row: &Row) -> Result<(), String> {
    let fields: Vec<Vec<u8>> = row.fields.iter().map(Bytes::get).collect();
    let lines = || fields.iter().map(Vec::as_slice);
    verdict(TraceState::parse_fields(lines()), &row.expected)?;
    match fields.as_slice() {
        // One line is read alike on both ways.
        [only] => verdict(TraceState::parse(only), &row.expected),
        _ => Ok(()),
    }
}

fn verdict(
    got: Result<TraceState<'_>, rum_trace_propagation::tracestate::TraceStateError>,
    expected: &Expected<List, LineFault>,
) -> Result<(), String> {
    match (got, expected) {
        (Ok(state), Expected::Ok(list)) => matches(&state, list),
        (Err(error), Expected::Err(fault)) => {
            let LineFault { part, field, at } = fault;
            let part_and_byte = Fault {
                part: part.clone(),
                at: *at,
            };
            part_and_byte.check(error.part(), error.at())?;
            expect_eq("line", error.field(), *field)?;
            let text = error.to_string();
            expect(text.starts_with("tracestate: "), || text)
        }
        (got, expected) => Err(format!("{got:?}, expected {expected:?}")),
    }
}

fn matches(state: &TraceState<'_>, list: &List) -> Result<(), String> {
    let text = list.text.text();
    expect_eq("text", state.as_str(), text.as_str())?;
    expect_eq("printed", state.to_string(), text.clone())?;
    expect_eq("length", state.len(), list.members)?;
    expect_eq("empty", state.is_empty(), list.members == 0)?;
    let members: Vec<_> = state.members().collect();
    let printed: Vec<String> = members.iter().map(|(k, v)| format!("{k}={v}")).collect();
    expect_eq("members", printed.join(","), text.clone())?;
    for (key, value) in members {
        expect_eq(key, state.get(key), Some(value))?;
        expect(is_legal_member(key, value), || {
            format!("{key} is not legal")
        })?;
    }
    expect_eq("owned", state.clone().into_owned().as_str(), text.as_str())
}

#[test]
fn a_key_that_is_not_there_has_no_value() {
    let state = TraceState::parse(b"foo=1,bar=2").unwrap();
    assert_eq!(state.get("baz"), None);
    assert_eq!(state.get("fo"), None);
    assert_eq!(state.get(""), None);
    assert!(TraceState::default().is_empty());
}

#[derive(Deserialize)]
struct Composed {
    name: String,
    members: Vec<(Bytes, Bytes)>,
    max_len: usize,
    text: Bytes,
}

#[test]
fn compose_table() {
    run(
        "tracestate-compose",
        |row: &Composed| row.name.clone(),
        |row| {
            let members: Vec<(String, String)> = row
                .members
                .iter()
                .map(|(key, value)| (key.text(), value.text()))
                .collect();
            let members = members
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()));
            expect_eq("text", compose(members, row.max_len), row.text.text())
        },
    );
}
