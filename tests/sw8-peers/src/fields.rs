//! What the two headers say, field by field.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// A field of `sw8`, or the pairs of `sw8-correlation`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Whether the trace is sampled.
    Sample,
    /// The trace id's text.
    TraceId,
    /// The caller's segment id.
    SegmentId,
    /// The caller's span within it, a number.
    SpanId,
    /// The caller's service.
    Service,
    /// The caller's service instance.
    Instance,
    /// What of the caller makes the call.
    Endpoint,
    /// The address that is called.
    Peer,
    /// The pairs, as an object.
    Correlation,
}

/// The values that a decoder gives for the fields that it has.
pub type Fields = BTreeMap<Field, Value>;

impl Field {
    /// All of them.
    pub const ALL: [Field; 9] = [
        Field::Sample,
        Field::TraceId,
        Field::SegmentId,
        Field::SpanId,
        Field::Service,
        Field::Instance,
        Field::Endpoint,
        Field::Peer,
        Field::Correlation,
    ];
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Field::Sample => "sample",
            Field::TraceId => "trace id",
            Field::SegmentId => "segment id",
            Field::SpanId => "span id",
            Field::Service => "service",
            Field::Instance => "instance",
            Field::Endpoint => "endpoint",
            Field::Peer => "peer",
            Field::Correlation => "sw8-correlation",
        })
    }
}
