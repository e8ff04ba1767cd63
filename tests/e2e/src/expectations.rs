//! What each captured request must become, from `tests/data/expectations`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Every attribute that a RUM member or an `sw8` header can put on a span.
pub const ATTRIBUTES: [&str; 15] = [
    "rum.app.channel",
    "rum.app.id",
    "rum.app.type",
    "rum.app.version",
    "rum.sdk.version",
    "rum.version",
    "session.id",
    "sw8.parent_endpoint",
    "sw8.parent_segment_id",
    "sw8.parent_service",
    "sw8.parent_service_instance",
    "sw8.parent_span_id",
    "sw8.peer",
    "sw8.trace_id",
    "user.id",
];

/// The file `expectations/captures.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// What the file is.
    pub about: String,
    /// What each way of sending cannot tell, and why.
    pub carriers: BTreeMap<String, Vec<CannotTell>>,
    /// The captures by name.
    pub cases: BTreeMap<String, Expectation>,
}

/// Attributes that must be absent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CannotTell {
    /// Their names; `sw8.*` stands for all of `sw8`.
    pub fields: Vec<String>,
    /// Why the client does not tell them.
    pub comment: String,
}

/// What one captured request must become.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The way of sending: a key of [`Expectations::carriers`].
    pub carrier: String,
    /// Whether the trace goes on; otherwise a new one must begin.
    pub continued: bool,
    /// Whether the client sampled the trace.
    pub sampled: bool,
    /// For `sw8`: its ids as OpenTelemetry ids. Those of other carriers stand
    /// in the header as they are.
    #[serde(default)]
    pub ids: Option<Ids>,
    /// The RUM and `sw8` attributes with their values.
    pub attributes: BTreeMap<String, Value>,
    /// Attributes that this request does not tell, though its carrier could.
    #[serde(default)]
    pub cannot_tell: Vec<CannotTell>,
}

/// The caller's span in hex.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Ids {
    /// 32 digits.
    pub trace_id: String,
    /// 16 digits.
    pub parent_id: String,
}

/// The value of an attribute.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Value {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// A long text: what it begins with, what then repeats, and its length in
    /// all.
    Long {
        /// The beginning.
        starts_with: String,
        /// The character that follows.
        then: char,
        /// The number of bytes in all.
        bytes: usize,
    },
}

impl Value {
    /// The number, if it is one.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Text(_) | Value::Long { .. } => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Value::Int(_) => None,
            Value::Text(text) => Some(text.clone()),
            Value::Long {
                starts_with,
                then,
                bytes,
            } => {
                let rest = then
                    .to_string()
                    .repeat(bytes.saturating_sub(starts_with.len()));
                Some([&**starts_with, &rest].concat())
            }
        }
    }
}

impl Expectations {
    /// Reads the file.
    ///
    /// # Panics
    ///
    /// If it cannot be read, or leaves open for some request whether an
    /// attribute is told.
    #[must_use]
    pub fn read() -> Self {
        let read: Expectations = crate::read_json("expectations/captures.json");
        for (case, expected) in &read.cases {
            read.check(case, expected);
        }
        read
    }

    /// What is expected of a capture.
    ///
    /// # Panics
    ///
    /// If the file does not say.
    #[must_use]
    pub fn of(&self, case: &str) -> &Expectation {
        self.cases
            .get(case)
            .unwrap_or_else(|| panic!("expectations/captures.json says nothing of {case}"))
    }

    /// Each attribute is either told or listed as one that cannot be told.
    fn check(&self, case: &str, expected: &Expectation) {
        let carrier = self
            .carriers
            .get(&expected.carrier)
            .unwrap_or_else(|| panic!("{case}: the file has no carrier {}", expected.carrier));
        let untold: BTreeSet<&str> = carrier
            .iter()
            .chain(&expected.cannot_tell)
            .inspect(|group| assert!(!group.comment.is_empty(), "{case}: no comment"))
            .flat_map(|group| group.fields.iter().flat_map(|field| expand(field)))
            .collect();
        for attribute in ATTRIBUTES {
            let told = expected.attributes.contains_key(attribute);
            assert!(
                told != untold.contains(attribute),
                "{case}: {attribute} must be among its attributes or among what {} cannot tell",
                expected.carrier
            );
        }
        let unknown = |name: &&str| !ATTRIBUTES.contains(name);
        let told = expected.attributes.keys().map(String::as_str);
        let strange: Vec<&str> = told.chain(untold.iter().copied()).filter(unknown).collect();
        assert!(strange.is_empty(), "{case}: what are {strange:?}?");
    }
}

/// The attributes that a name in [`CannotTell::fields`] stands for.
fn expand(field: &str) -> Vec<&str> {
    match field.strip_suffix('*') {
        Some(prefix) => ATTRIBUTES
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .collect(),
        None => vec![field],
    }
}
