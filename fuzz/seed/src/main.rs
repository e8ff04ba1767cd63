//! Writes `fuzz/corpus/TARGET/…`: every captured header and every input of the
//! test tables, for the target that reads it; OTLP bodies in every form; and answers
//! to `rum-trace verify`.

mod otlp;
mod verify;

#[path = "../../../crates/rum-trace-propagation/tests/support/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod support;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};
use support::{Bytes, Capture, captures, read};

/// The inputs of each target.
type Seeds = BTreeMap<&'static str, BTreeSet<Vec<u8>>>;

/// The targets that read one header, and the table of its values.
const TARGETS: [(&str, &str, &str); 8] = [
    ("traceparent", "traceparent", "traceparent"),
    ("tracestate", "tracestate", "tracestate"),
    ("baggage", "baggage", "baggage"),
    ("sw8", "sw8", "sw8"),
    ("sw8_extension", "sw8-x", "sw8-x"),
    ("correlation", "sw8-correlation", "sw8-correlation"),
    ("uber_trace_id", "uber-trace-id", "uber-trace-id"),
    ("forwarded", "forwarded", "forwarded"),
];

fn main() -> io::Result<()> {
    let mut seeds = Seeds::new();
    for (target, header, table) in TARGETS {
        let values = captures()
            .into_iter()
            .filter_map(|c| Some(c.header(header)?.to_vec()));
        seeds
            .entry(target)
            .or_default()
            .extend(values.chain(rows(table, "in")));
    }
    let of = |target, values: Vec<Vec<u8>>| (target, values.into_iter().collect::<BTreeSet<_>>());
    let more = [
        of("tracestate", rows("tracestate", "fields")),
        of("rum", [rows("rum", "tracestate"), rum_captures()].concat()),
        of(
            "b3",
            [
                rows("b3", "single"),
                captures().iter().filter_map(b3).collect(),
            ]
            .concat(),
        ),
        of("sw8_ids", ids()),
        of("otlp", otlp::seeds()?),
        of("verify_answer", verify::seeds()),
    ];
    for (target, values) in more {
        seeds.entry(target).or_default().extend(values);
    }
    write(&seeds)
}

/// One input a row: the bytes of that member, lists as lines.
fn rows(table: &str, member: &str) -> Vec<Vec<u8>> {
    let table: Value = read(&format!("tables/{table}"));
    let rows = table["rows"].as_array().expect("a table has rows").iter();
    rows.filter_map(|row| bytes(row.get(member)?, member))
        .collect()
}

fn bytes(value: &Value, member: &str) -> Option<Vec<u8>> {
    let one = |value: &Value| Some(serde_json::from_value::<Bytes>(value.clone()).ok()?.get());
    match (value, member) {
        (Value::Array(lines), "fields" | "tracestate") => Some(
            lines
                .iter()
                .filter_map(one)
                .collect::<Vec<_>>()
                .join(&b'\n'),
        ),
        _ => one(value),
    }
}

/// Lines of tracestate, an empty line, lines of baggage.
fn rum_captures() -> Vec<Vec<u8>> {
    let header = |capture: &Capture, name| capture.header(name).unwrap_or_default().to_vec();
    let both = |c: &Capture| [header(c, "tracestate"), header(c, "baggage")].join(&b"\n\n"[..]);
    let rum = ["v2&browser&p@1&s&u", "Android/2.3.2/1.4.0_APK"].map(|v| v.as_bytes().to_vec());
    captures().iter().map(both).chain(rum).collect()
}

/// The single header, or the four of the several ones in lines.
fn b3(capture: &Capture) -> Option<Vec<u8>> {
    if let Some(value) = capture.header("b3") {
        return Some(value.to_vec());
    }
    let names = ["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"];
    let lines = names.map(|name| capture.header(name).unwrap_or_default());
    (!lines[0].is_empty()).then(|| lines.join(&b'\n'))
}

fn ids() -> Vec<Vec<u8>> {
    let vectors: Value = read("vectors/sw8-ids");
    let all = ["trace", "span", "inject"].into_iter();
    let rows = all.flat_map(|kind| vectors[kind].as_array().expect("a list"));
    let text = |row: &Value| {
        row.get("id")
            .or(row.get("segment"))?
            .as_str()
            .map(str::to_owned)
    };
    rows.filter_map(text).map(String::into_bytes).collect()
}

fn write(seeds: &Seeds) -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    for (target, values) in seeds {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (number, value) in values.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), value)?;
        }
        println!("{target}: {} seeds", values.len());
    }
    Ok(())
}
