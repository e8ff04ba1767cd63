//! `uber-trace-id`.

use super::support::Bytes;
use super::{Expected, expect_eq, run};
use rum_trace_propagation::UberTraceId;
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
    trace_id: String,
    parent_id: String,
    sampled: bool,
    debug: bool,
}

#[derive(Debug, Deserialize)]
struct Fault {
    at: usize,
}

#[test]
fn table() {
    run(
        "uber-trace-id",
        |row: &Row| row.name.clone(),
        |row| match (UberTraceId::parse(&row.input.get()), &row.expected) {
            (Ok(read), Expected::Ok(fields)) => {
                expect_eq("trace id", &read.trace_id().to_string(), &fields.trace_id)?;
                expect_eq(
                    "parent id",
                    &read.parent_id().to_string(),
                    &fields.parent_id,
                )?;
                expect_eq("sampled", read.sampled(), fields.sampled)?;
                expect_eq("debug", read.debug(), fields.debug)
            }
            (Err(error), Expected::Err(fault)) => expect_eq("byte", error.at(), fault.at),
            (got, expected) => Err(format!("{got:?}, expected {expected:?}")),
        },
    );
}
