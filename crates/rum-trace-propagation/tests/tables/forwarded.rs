//! `Forwarded`: one element.

use super::support::Bytes;
use super::{Expected, Fault, expect_eq, run};
use rum_trace_propagation::forwarded::{ForwardedElement, Node};
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
    /// `hidden`, or the address, with the port if there is one.
    #[serde(rename = "for")]
    client: Option<String>,
    host: Option<String>,
    proto: Option<String>,
}

#[test]
fn table() {
    run(
        "forwarded",
        |row: &Row| row.name.clone(),
        |row| match (ForwardedElement::parse(&row.input.get()), &row.expected) {
            (Ok(read), Expected::Ok(fields)) => {
                expect_eq("for", &read.client().map(text), &fields.client)?;
                expect_eq("host", read.host(), fields.host.as_deref())?;
                expect_eq("proto", read.proto(), fields.proto.as_deref())
            }
            (Err(error), Expected::Err(fault)) => fault.check(error.part(), error.at()),
            (got, expected) => Err(format!("{got:?}, expected {expected:?}")),
        },
    );
}

fn text(node: Node) -> String {
    match node {
        Node::Address(address, Some(port)) => format!("{address} {port}"),
        Node::Address(address, None) => address.to_string(),
        _ => "hidden".to_owned(),
    }
}
