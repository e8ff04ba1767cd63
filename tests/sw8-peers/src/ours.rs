//! Our own parser, as one more decoder.

use rum_trace_propagation::Sw8;
use rum_trace_propagation::sw8::correlation;
use serde_json::{Map, Value};

use crate::{Answer, Field, Fields, Headers, Sent};

/// What our parser reads in each.
#[must_use]
pub fn ours(sent: &[Sent]) -> Vec<Answer> {
    let answer = |sent: &Sent| match read(&sent.headers) {
        Ok(fields) => Answer::Read {
            valid: true,
            fields,
            onward: None,
        },
        Err(error) => Answer::Refused { error },
    };
    sent.iter().map(answer).collect()
}

/// What our parser reads in headers that anybody wrote.
///
/// # Errors
///
/// What it says of a header that it refuses.
pub fn read(headers: &Headers) -> Result<Fields, String> {
    let sw8 = Sw8::parse(headers.sw8.as_bytes()).map_err(|error| error.to_string())?;
    let mut pairs = Map::new();
    let line = headers.correlation.as_deref().unwrap_or_default();
    for pair in correlation::pairs(line.as_bytes()) {
        let (key, value) = pair.map_err(|error| error.to_string())?;
        pairs.insert(key, Value::String(value));
    }
    Ok(Fields::from([
        (Field::Sample, sw8.sampled().into()),
        (Field::TraceId, sw8.trace_id().into()),
        (Field::SegmentId, sw8.segment_id().into()),
        (Field::SpanId, sw8.span_id().into()),
        (Field::Service, sw8.service().into()),
        (Field::Instance, sw8.instance().into()),
        (Field::Endpoint, sw8.endpoint().into()),
        (Field::Peer, sw8.peer().into()),
        (Field::Correlation, Value::Object(pairs)),
    ]))
}
