//! What one header says.

use std::collections::BTreeMap;
use std::fmt::Display;

use rum_trace_propagation::rum::{RumField, RumFields};
use rum_trace_propagation::{SpanId, TraceId};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::terminal::escape;

/// One header explained. The order of the fields is that of the JSON; those
/// that only some protocols have are left out where they do not apply.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Explanation {
    /// The header's name in lower case; `None` for what is no trace header.
    pub(crate) protocol: Option<&'static str>,
    #[serde(serialize_with = "as_text")]
    pub(crate) trace_id: Option<TraceId>,
    #[serde(serialize_with = "as_text")]
    pub(crate) parent_span_id: Option<SpanId>,
    pub(crate) sampled: Option<bool>,
    /// traceparent: whether the trace id is random (Level 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) random: Option<bool>,
    /// b3, uber-trace-id: whether the caller asks for a debug trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) debug: Option<bool>,
    /// x-b3-parentspanid: the span above the caller's.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub(crate) grandparent_span_id: Option<SpanId>,
    pub(crate) rum: Option<Rum>,
    /// tracestate: all members, if the list is legal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<Vec<Pair>>,
    /// baggage, sw8-correlation: what could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entries: Option<Vec<Pair>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sw8: Option<Sw8Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sw8_x: Option<Sw8XContent>,
    /// The header as it was given.
    #[serde(serialize_with = "as_received")]
    pub(crate) raw: Vec<u8>,
    pub(crate) error: Option<Fault>,
}

impl Explanation {
    /// The header's value; the whole line if it has no colon.
    pub(crate) fn value(&self) -> &[u8] {
        split(&self.raw).map_or(&self.raw, |(_, value)| value)
    }
}

/// Name and value of a header, both without the white space round them, which is
/// no part of them (RFC 9110, §5.5).
pub(crate) fn split(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = raw.iter().position(|byte| *byte == b':')?;
    let (name, value) = raw.split_at_checked(colon)?;
    Some((trim_ows(name), trim_ows(value.strip_prefix(b":")?)))
}

fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// A key and its value: a tracestate member, a baggage or correlation entry.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
    /// W3C Baggage's properties, as they stand.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) properties: String,
}

impl Pair {
    pub(crate) fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            properties: String::new(),
        }
    }
}

/// The fields of `sw8` by their literal text.
#[derive(Debug, Serialize)]
pub(crate) struct Sw8Content {
    pub(crate) trace_id: String,
    pub(crate) segment_id: String,
    pub(crate) span_id: u32,
    pub(crate) service: String,
    pub(crate) instance: String,
    pub(crate) endpoint: String,
    pub(crate) peer: String,
}

/// The fields of `sw8-x`.
#[derive(Debug, Serialize)]
pub(crate) struct Sw8XContent {
    pub(crate) skip_analysis: bool,
    /// Milliseconds since 1970.
    pub(crate) sent_at_millis: Option<u64>,
}

/// What the header tells of app, session and user.
#[derive(Debug)]
pub(crate) struct Rum([RumRow; 8]);

/// A field's name, its value, and where that was read: a tracestate member's key,
/// `baggage` or `sw8`.
type RumRow = (&'static str, Option<(String, &'static str)>);

impl Rum {
    /// `None` if nothing is told.
    pub(crate) fn new(fields: RumFields<'_>) -> Option<Self> {
        let told = |field: Option<RumField<'_>>| {
            field.map(|field| (field.value().to_owned(), field.source().as_str()))
        };
        let rum = Self([
            ("version", told(fields.version)),
            ("app_type", told(fields.app_type)),
            ("app_id", told(fields.app_id)),
            ("session_id", told(fields.session_id)),
            ("user_id", told(fields.user_id)),
            ("sdk_version", told(fields.sdk_version)),
            ("app_version", told(fields.app_version)),
            ("channel", told(fields.channel)),
        ]);
        let told = rum.told().next().is_some();
        told.then_some(rum)
    }

    /// What `sw8` by itself tells: the web SDK writes the app's id as the service.
    pub(crate) fn of_sw8(app_id: &str) -> Self {
        let app_id = Some((app_id.to_owned(), "sw8"));
        Self([
            ("version", None),
            ("app_type", None),
            ("app_id", app_id),
            ("session_id", None),
            ("user_id", None),
            ("sdk_version", None),
            ("app_version", None),
            ("channel", None),
        ])
    }

    /// The fields that are told: name, value, source.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&'static str, &str, &'static str)> {
        self.0.iter().filter_map(|(name, told)| {
            let (value, source) = told.as_ref()?;
            Some((*name, value.as_str(), *source))
        })
    }
}

impl Serialize for Rum {
    /// All names with their values, and a map of the sources of those that are
    /// told, so that a value is one step away.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len() + 1))?;
        for (name, told) in &self.0 {
            map.serialize_entry(name, &told.as_ref().map(|(value, _)| value))?;
        }
        let sources: BTreeMap<_, _> = self
            .told()
            .map(|(name, _, source)| (name, source))
            .collect();
        map.serialize_entry("sources", &sources)?;
        map.end()
    }
}

/// Why a header is malformed.
#[derive(Debug, Serialize)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// The part that is wrong.
    pub(crate) part: String,
    /// Where it is: bytes from 0 in the value, or in the line if it is no known
    /// header.
    pub(crate) byte: usize,
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn as_text<S: Serializer>(id: &Option<impl Display>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}

fn as_received<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escape::for_json(bytes))
}
