//! What goes out for what came in: the rows of `tests/data/w3c` against the
//! service, byte for byte on both sides.
//!
//! The official suite of the W3C can be run against the same service, see this
//! package's README; these rows say more than it asks: the sampled and the reserved bits, what becomes of a
//! list that is too long, and of the RUM members.

mod support;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Once;

use rum_trace_conformance::install_tracing;
use rum_trace_e2e::mutate::Line;
use rum_trace_e2e::recorder::{Recorded, Recorder};
use rum_trace_e2e::wire::Connection;
use serde::Deserialize;

use crate::support::Service;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "about")]
    _about: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// Name and value, in order.
    headers: Vec<(String, Text)>,
    expect: Expect,
    /// How many calls the service is asked to make.
    #[serde(default = "two")]
    calls: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    trace: Trace,
    /// Of a trace that is continued.
    #[serde(default)]
    trace_id: String,
    /// The exact list that goes out; none if null.
    tracestate: Option<Text>,
    /// The exact flags that go out, if the trace is continued.
    #[serde(default)]
    flags: String,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Trace {
    Continued,
    New,
}

/// A text, or pieces of which some repeat. Each character is one byte of the
/// header (Latin-1), so that rows can hold bytes that are no ASCII.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Repeat { repeat: String, times: usize },
    Pieces(Vec<Text>),
}

impl Text {
    fn text(&self) -> String {
        match self {
            Text::Plain(text) => text.clone(),
            Text::Repeat { repeat, times } => repeat.repeat(*times),
            Text::Pieces(pieces) => pieces.iter().map(Text::text).collect(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |c| u8::try_from(u32::from(c)).expect("rows hold Latin-1 only");
        self.text().chars().map(byte).collect()
    }
}

fn two() -> usize {
    2
}

/// All tables against the service on one framework: `axum::traceparent`, ….
macro_rules! tables {
    ($framework:ident: $($table:ident)*) => {
        mod $framework {
            $(
                #[test]
                fn $table() {
                    super::run(stringify!($table), super::support::$framework);
                }
            )*
        }
    };
}

tables!(axum: traceparent tracestate flags calls limits);
tables!(actix: traceparent tracestate flags calls limits);

/// Runs all rows of a table and fails with the list of those that are wrong.
fn run(table: &str, start: fn() -> Service) {
    static TRACING: Once = Once::new();
    TRACING.call_once(install_tracing);
    let table: Table = rum_trace_e2e::read_json(&format!("w3c/{table}.json"));
    assert!(!table.rows.is_empty(), "no rows");

    let service = start();
    let recorder = Recorder::start();
    let mut connection = Connection::open(service.address());
    let mut parent_ids = HashSet::new();
    let mut wrong = String::new();
    for row in &table.rows {
        let outcome = send(row, &mut connection, &recorder)
            .and_then(|calls| row.check(&calls, &mut parent_ids));
        if let Err(what) = outcome {
            writeln!(wrong, "{}: {what}", row.name).expect("a String takes it");
        }
    }
    assert!(wrong.is_empty(), "of {} rows\n{wrong}", table.rows.len());
}

/// Has the service make the row's calls, and gives them as they arrived.
fn send(
    row: &Row,
    connection: &mut Connection,
    recorder: &Recorder,
) -> Result<Vec<Recorded>, String> {
    let url = |i| {
        format!(
            r#"{{"url":"http://{}/call/{i}","arguments":[{i}]}}"#,
            recorder.address()
        )
    };
    let calls: Vec<String> = (0..row.calls).map(url).collect();
    let body = format!("[{}]", calls.join(","));
    let json = ("Content-Type".to_owned(), b"application/json".to_vec());
    let lines = row
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.bytes()));
    let lines: Vec<Line> = std::iter::once(json).chain(lines).collect();

    let answer = connection.send("POST", "/test", &lines, body.as_bytes());
    let recorded = recorder.take();
    let paths: Vec<&str> = recorded.iter().map(|call| &*call.path).collect();
    let bodies = recorded
        .iter()
        .enumerate()
        .all(|(i, call)| call.body == format!("[{i}]"));
    if answer.status != 200 || paths.len() != row.calls || !bodies {
        return Err(format!("answered {answer:?} after calls to {paths:?}"));
    }
    Ok(recorded)
}

impl Row {
    fn check(&self, calls: &[Recorded], parent_ids: &mut HashSet<String>) -> Result<(), String> {
        let mut trace_ids = HashSet::new();
        for call in calls {
            let parent = Parent::of(call)?;
            self.check_parent(&parent)?;
            self.check_list(call)?;
            trace_ids.insert(parent.trace_id);
            // Over all rows of the table: an id is never used again.
            let new = parent_ids.insert(parent.parent_id.clone());
            ensure(new, || format!("parent id {} again", parent.parent_id))?;
        }
        ensure(trace_ids.len() == 1, || {
            format!("calls in several traces: {trace_ids:?}")
        })
    }

    fn check_parent(&self, parent: &Parent) -> Result<(), String> {
        ensure(!self.was_sent(&parent.parent_id), || {
            format!("the caller's own parent id {} went out", parent.parent_id)
        })?;
        if self.expect.trace == Trace::Continued {
            let expected = (&self.expect.trace_id, &self.expect.flags);
            let got = (&parent.trace_id, &parent.flags);
            return ensure(got == expected, || {
                format!("{got:?} went out, not {expected:?}")
            });
        }
        ensure(!self.was_sent(&parent.trace_id), || {
            format!("the trace {} was continued", parent.trace_id)
        })?;
        // A new trace is sampled by default. The random flag is the SDK's affair.
        ensure(matches!(&*parent.flags, "01" | "03"), || {
            format!("a new trace has the flags {}", parent.flags)
        })
    }

    fn check_list(&self, call: &Recorded) -> Result<(), String> {
        let expected: Vec<String> = self.expect.tracestate.iter().map(Text::text).collect();
        let got = call.lines("tracestate");
        ensure(got == expected, || {
            format!("tracestate {got:?} went out, not {expected:?}")
        })
    }

    /// Whether an id stands in a header that came in.
    fn was_sent(&self, id: &str) -> bool {
        let mut values = self.headers.iter().map(|(_, value)| value.text());
        values.any(|value| value.to_ascii_lowercase().contains(id))
    }
}

/// An outgoing `traceparent`, taken apart by position.
#[derive(Debug)]
struct Parent {
    trace_id: String,
    parent_id: String,
    flags: String,
}

impl Parent {
    fn of(call: &Recorded) -> Result<Self, String> {
        let lines = call.lines("traceparent");
        let [line] = lines.as_slice() else {
            return Err(format!("traceparent lines {lines:?} went out"));
        };
        let parts: Vec<&str> = line.split('-').collect();
        let [version, trace_id, parent_id, flags] = parts.as_slice() else {
            return Err(format!("traceparent {line:?} went out"));
        };
        let hex = |text: &str, len: usize| {
            text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let zero = |text: &str| text.bytes().all(|b| b == b'0');
        let well_formed = *version == "00"
            && hex(trace_id, 32)
            && hex(parent_id, 16)
            && hex(flags, 2)
            && !zero(trace_id)
            && !zero(parent_id);
        ensure(well_formed, || format!("traceparent {line:?} went out"))?;
        Ok(Parent {
            trace_id: (*trace_id).to_owned(),
            parent_id: (*parent_id).to_owned(),
            flags: (*flags).to_owned(),
        })
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
