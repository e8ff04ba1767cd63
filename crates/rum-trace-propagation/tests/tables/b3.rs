//! B3, single and multi.

use super::support::Bytes;
use super::{Expected, expect_eq, run};
use rum_trace_propagation::B3;
use rum_trace_propagation::b3::B3Headers;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    name: String,
    single: Option<Bytes>,
    multi: Option<Multi>,
    #[serde(flatten)]
    expected: Expected<Fields, Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Multi {
    trace_id: Option<Bytes>,
    span_id: Option<Bytes>,
    sampled: Option<Bytes>,
    flags: Option<Bytes>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    context: Option<(String, String)>,
    sampling: String,
}

#[derive(Debug, Deserialize)]
struct Fault {
    at: Option<usize>,
}

#[test]
fn table() {
    run(
        "b3",
        |row: &Row| row.name.clone(),
        |row| {
            let got = match (&row.single, &row.multi) {
                (Some(value), None) => B3::parse_single(&value.get()),
                (None, Some(headers)) => parse_multi(headers),
                _ => return Err("neither single nor multi".to_owned()),
            };
            match (got, &row.expected) {
                (Ok(b3), Expected::Ok(fields)) => {
                    let text = b3.context().map(|(t, s)| (t.to_string(), s.to_string()));
                    expect_eq("context", &text, &fields.context)?;
                    let sampling = format!("{:?}", b3.sampling());
                    expect_eq("sampling", &sampling, &fields.sampling)
                }
                (Err(error), Expected::Err(fault)) => {
                    // With several headers, the part is what a reader looks for.
                    fault
                        .at
                        .map_or(Ok(()), |at| expect_eq("byte", error.at(), at))
                }
                (got, expected) => Err(format!("{got:?}, expected {expected:?}")),
            }
        },
    );
}

fn parse_multi(headers: &Multi) -> Result<B3, rum_trace_propagation::b3::B3Error> {
    let bytes = |header: &Option<Bytes>| header.as_ref().map(Bytes::get);
    let [trace_id, span_id, sampled, flags] = [
        bytes(&headers.trace_id),
        bytes(&headers.span_id),
        bytes(&headers.sampled),
        bytes(&headers.flags),
    ];
    B3::parse_multi(B3Headers {
        trace_id: trace_id.as_deref(),
        span_id: span_id.as_deref(),
        sampled: sampled.as_deref(),
        flags: flags.as_deref(),
    })
}
