//! Tables of headers with what they must give, from files under `tests/data`.
//! A row that fails is told by its name; all rows of a table are run.

#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

#[path = "../support/mod.rs"]
mod support;

mod b3;
mod baggage;
mod captures;
mod forwarded;
mod jaeger;
mod rum;
mod sw8;
mod sw8_extras;
mod sw8_ids;
mod traceparent;
mod tracestate;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

#[derive(Deserialize)]
struct Table<T> {
    rows: Vec<T>,
}

/// Runs every row of a table and fails with the list of those that are wrong.
fn run<T: DeserializeOwned>(
    table: &str,
    name: impl Fn(&T) -> String,
    check: impl Fn(&T) -> Result<(), String>,
) {
    let table_of: Table<T> = support::read(&format!("tables/{table}"));
    assert!(!table_of.rows.is_empty(), "{table} has no rows");
    let wrong = |row| Some(format!("{}: {}", name(row), check(row).err()?));
    let wrong: Vec<String> = table_of.rows.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{table}:\n{}", wrong.join("\n"));
}

/// What a row expects of a parser.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expected<T, E> {
    Ok(T),
    Err(E),
}

/// The part that an error must name, and the byte in the value as received.
#[derive(Debug, Deserialize)]
struct Fault {
    part: String,
    at: usize,
}

impl Fault {
    fn check(&self, part: impl Debug, at: usize) -> Result<(), String> {
        expect_eq("part", &format!("{part:?}"), &self.part)?;
        expect_eq("byte", at, self.at)
    }
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it reads like assert_eq!, which takes values too"
)]
fn expect_eq<T: PartialEq + Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    let equal = got == expected;
    expect(equal, || {
        format!("{what} is {got:?}, expected {expected:?}")
    })
}
