//! `traceparent`.

use super::support::Bytes;
use super::{Expected, Fault, expect, expect_eq, run};
use rum_trace_propagation::TraceParent;
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
    flags: u8,
}

#[test]
fn table() {
    run("traceparent", |row: &Row| row.name.clone(), check);
}

fn check(row: &Row) -> Result<(), String> {
    match (TraceParent::parse(&row.input.get()), &row.expected) {
        (Ok(parent), Expected::Ok(fields)) => matches(parent, fields),
        (Err(error), Expected::Err(fault)) => {
            fault.check(error.part(), error.at())?;
            let text = error.to_string();
            let at = format!("at byte {}", error.at());
            expect(
                text.starts_with("traceparent: ") && text.contains(&at),
                || text,
            )
        }
        (got, expected) => Err(format!("{got:?}, expected {expected:?}")),
    }
}

fn matches(parent: TraceParent, fields: &Fields) -> Result<(), String> {
    expect_eq(
        "trace id",
        parent.trace_id().to_string(),
        fields.trace_id.clone(),
    )?;
    expect_eq(
        "parent id",
        parent.parent_id().to_string(),
        fields.parent_id.clone(),
    )?;
    expect_eq("flags", parent.flags().bits(), fields.flags)?;
    expect_eq(
        "sampled",
        parent.flags().is_sampled(),
        fields.flags & 1 != 0,
    )?;
    expect_eq("random", parent.flags().is_random(), fields.flags & 2 != 0)?;
    let Fields {
        trace_id,
        parent_id,
        flags,
    } = fields;
    let text = format!("00-{trace_id}-{parent_id}-{flags:02x}");
    expect_eq("encoded", parent.encode().as_slice(), text.as_bytes())?;
    expect_eq("printed", parent.to_string(), text)
}

#[test]
fn the_conversions_of_std_read_the_same() {
    let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
    let parsed = TraceParent::parse(text.as_bytes()).unwrap();
    assert_eq!(text.parse::<TraceParent>().unwrap(), parsed);
    assert_eq!(TraceParent::try_from(text.as_bytes()).unwrap(), parsed);
    assert!("00".parse::<TraceParent>().is_err());
    assert!(TraceParent::try_from(b"00".as_slice()).is_err());
}
