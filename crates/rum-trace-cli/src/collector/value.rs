//! Attributes as they are kept: typed, and cut where a sender tells too much.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Proto;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// The longest text or byte string that is kept whole: a long stack trace.
pub(crate) const MAX_TEXT: usize = 64 * 1024;
/// The longest key.
pub(crate) const MAX_KEY: usize = 1024;
/// The most attributes of one span, event, link, resource or scope. An SDK
/// leaves it at 128 unless it is told otherwise.
pub(crate) const MAX_ATTRIBUTES: usize = 1024;
/// The most values of one array, or entries of one map.
const MAX_VALUES: usize = 1024;
/// How deep arrays and maps are kept in one another.
const MAX_DEPTH: usize = 16;

/// The value of an attribute. All text in it is the sender's: escape it before
/// it goes anywhere.
///
/// As JSON: `{"type":"int","value":"42"}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// None was told, which is allowed.
    Empty,
    Text(Box<str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Box<[u8]>),
    Array(Box<[Value]>),
    Map(Attributes),
}

/// One attribute.
///
/// As JSON: `{"key":"http.route","type":"string","value":"/orders"}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) key: Box<str>,
    pub(crate) value: Value,
}

/// Attributes in the order in which they were sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Attributes(Box<[Attribute]>);

/// How much was cut off. It never counts over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Cut {
    /// Attributes over [`MAX_ATTRIBUTES`].
    pub(crate) attributes: u32,
    pub(crate) events: u32,
    /// Links over their number, or without valid ids.
    pub(crate) links: u32,
    /// Values that were shortened: text, arrays, maps, and what was nested too
    /// deep.
    pub(crate) values: u32,
}

impl Attributes {
    pub(crate) fn from_proto(pairs: Vec<KeyValue>, cut: &mut Cut) -> Self {
        let over = pairs.len().saturating_sub(MAX_ATTRIBUTES);
        count(&mut cut.attributes, over);
        Self::nested(pairs, MAX_ATTRIBUTES, MAX_DEPTH, cut)
    }

    fn nested(pairs: Vec<KeyValue>, most: usize, depth: usize, cut: &mut Cut) -> Self {
        let kept = pairs.into_iter().take(most);
        let kept = kept.map(|pair| Attribute {
            key: text(pair.key, MAX_KEY, cut),
            value: Value::nested(pair.value, depth, cut),
        });
        Self(kept.collect())
    }

    /// The first of that name: a sender must not send several.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let mut attributes = self.0.iter();
        Some(&attributes.find(|attribute| &*attribute.key == key)?.value)
    }

    /// An attribute that is text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An attribute that is a whole number.
    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        match self.get(key)? {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Attribute> {
        self.0.iter()
    }

    /// What they have on the heap, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let each = self.0.iter().map(|attribute| {
            size_of::<Attribute>() + block(attribute.key.len()) + attribute.value.weight()
        });
        block(0) + each.sum::<usize>()
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a Attribute;
    type IntoIter = std::slice::Iter<'a, Attribute>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Value {
    fn nested(value: Option<AnyValue>, depth: usize, cut: &mut Cut) -> Self {
        let Some(value) = value.and_then(|value| value.value) else {
            return Self::Empty;
        };
        match value {
            Proto::StringValue(value) => Self::Text(text(value, MAX_TEXT, cut)),
            Proto::BoolValue(value) => Self::Bool(value),
            Proto::IntValue(value) => Self::Int(value),
            Proto::DoubleValue(value) => Self::Double(value),
            Proto::BytesValue(value) => Self::Bytes(bytes(value, cut)),
            Proto::ArrayValue(array) => match inside(depth, array.values.len(), cut) {
                Some(depth) => Self::Array(
                    (array.values.into_iter().take(MAX_VALUES))
                        .map(|value| Self::nested(Some(value), depth, cut))
                        .collect(),
                ),
                None => Self::Empty,
            },
            Proto::KvlistValue(map) => match inside(depth, map.values.len(), cut) {
                Some(depth) => Self::Map(Attributes::nested(map.values, MAX_VALUES, depth, cut)),
                None => Self::Empty,
            },
            // An index into a table that only profiles have.
            Proto::StringValueStrindex(_) => Self::Empty,
        }
    }

    /// The name of its type in the JSON API.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Text(_) => "string",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::Bytes(_) => "bytes",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
        }
    }

    /// What it has on the heap. How deep it is nested is bounded.
    fn weight(&self) -> usize {
        match self {
            Self::Text(text) => block(text.len()),
            Self::Bytes(bytes) => block(bytes.len()),
            Self::Array(values) => {
                let each = values
                    .iter()
                    .map(|value| size_of::<Self>() + value.weight());
                block(0) + each.sum::<usize>()
            }
            Self::Map(attributes) => attributes.weight(),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(2))?;
        object.serialize_entry("type", self.type_name())?;
        object.serialize_entry("value", &Plain(self))?;
        object.end()
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(3))?;
        object.serialize_entry("key", &self.key)?;
        object.serialize_entry("type", self.value.type_name())?;
        object.serialize_entry("value", &Plain(&self.value))?;
        object.end()
    }
}

/// A value without its type.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Empty => serializer.serialize_unit(),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bool(value) => serializer.serialize_bool(*value),
            // As text: a reader's numbers may end at 2^53.
            Value::Int(value) => serializer.collect_str(value),
            Value::Double(value) if value.is_finite() => serializer.serialize_f64(*value),
            // JSON has no number for it.
            Value::Double(value) => serializer.collect_str(&NotFinite(*value)),
            Value::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            Value::Array(values) => values.serialize(serializer),
            Value::Map(attributes) => attributes.serialize(serializer),
        }
    }
}

/// As the JSON mapping of protobuf writes them.
struct NotFinite(f64);

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            value if value.is_nan() => "NaN",
            value if value > 0.0 => "Infinity",
            _ => "-Infinity",
        })
    }
}

/// Text of at most so many bytes, and of whole characters.
pub(super) fn text(mut text: String, most: usize, cut: &mut Cut) -> Box<str> {
    let whole = text.len();
    text.truncate(clip(&text, most).len());
    count(&mut cut.values, usize::from(text.len() < whole));
    text.into_boxed_str()
}

/// As much of the start of a text as has so many bytes.
pub(crate) fn clip(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// A counter that stays at its end.
pub(super) fn count(counter: &mut u32, more: usize) {
    *counter = counter.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
}

/// What a piece of so many bytes takes on the heap: allocators round up, and
/// keep a word for themselves.
pub(super) const fn block(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        _ => bytes.saturating_add(8).next_multiple_of(16),
    }
}

fn bytes(mut bytes: Vec<u8>, cut: &mut Cut) -> Box<[u8]> {
    if bytes.len() > MAX_TEXT {
        bytes.truncate(MAX_TEXT);
        count(&mut cut.values, 1);
    }
    bytes.into_boxed_slice()
}

/// The depth left inside of an array or a map, if there is any.
fn inside(depth: usize, length: usize, cut: &mut Cut) -> Option<usize> {
    let inner = depth.checked_sub(1);
    if inner.is_none() || length > MAX_VALUES {
        count(&mut cut.values, 1);
    }
    inner
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};
    use serde_json::json;

    use super::*;

    fn any(value: Proto) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    fn pair(key: &str, value: Proto) -> KeyValue {
        KeyValue {
            key: key.into(),
            value: Some(any(value)),
            ..KeyValue::default()
        }
    }

    fn kept(pairs: Vec<KeyValue>) -> (Attributes, Cut) {
        let mut cut = Cut::default();
        (Attributes::from_proto(pairs, &mut cut), cut)
    }

    fn array(values: Vec<AnyValue>) -> Proto {
        Proto::ArrayValue(ArrayValue { values })
    }

    #[test]
    fn every_type_has_its_json() {
        let map = Proto::KvlistValue(KeyValueList {
            values: vec![pair("inner", Proto::BoolValue(false))],
        });
        let pairs = vec![
            pair("text", Proto::StringValue("a\u{1b}".into())),
            pair("bool", Proto::BoolValue(true)),
            pair("int", Proto::IntValue(i64::MIN)),
            pair("double", Proto::DoubleValue(0.5)),
            pair("nan", Proto::DoubleValue(f64::NAN)),
            pair("-inf", Proto::DoubleValue(f64::NEG_INFINITY)),
            pair("bytes", Proto::BytesValue(vec![0xff, 0])),
            pair(
                "array",
                array(vec![any(Proto::IntValue(1)), AnyValue::default()]),
            ),
            pair("map", map),
            KeyValue {
                key: "empty".into(),
                ..KeyValue::default()
            },
            pair("index", Proto::StringValueStrindex(1)),
        ];
        let (attributes, cut) = kept(pairs);
        assert_eq!(cut, Cut::default());
        assert_eq!(
            serde_json::to_value(&attributes).unwrap(),
            json!([
                {"key": "text", "type": "string", "value": "a\u{1b}"},
                {"key": "bool", "type": "bool", "value": true},
                {"key": "int", "type": "int", "value": "-9223372036854775808"},
                {"key": "double", "type": "double", "value": 0.5},
                {"key": "nan", "type": "double", "value": "NaN"},
                {"key": "-inf", "type": "double", "value": "-Infinity"},
                {"key": "bytes", "type": "bytes", "value": "/wA="},
                {"key": "array", "type": "array", "value": [
                    {"type": "int", "value": "1"}, {"type": "empty", "value": null}]},
                {"key": "map", "type": "map", "value": [
                    {"key": "inner", "type": "bool", "value": false}]},
                {"key": "empty", "type": "empty", "value": null},
                {"key": "index", "type": "empty", "value": null},
            ])
        );
    }

    #[test]
    fn the_first_of_a_name_is_found_by_its_type() {
        let (attributes, _) = kept(vec![
            pair("a", Proto::StringValue("first".into())),
            pair("a", Proto::StringValue("second".into())),
            pair("n", Proto::IntValue(7)),
        ]);
        assert_eq!(attributes.text("a"), Some("first"));
        assert_eq!(attributes.number("n"), Some(7));
        assert_eq!((attributes.text("n"), attributes.number("a")), (None, None));
        assert_eq!(attributes.get("none"), None);
        assert_eq!(attributes.iter().len(), 3);
    }

    #[test]
    fn what_is_too_much_is_cut_and_counted() {
        let one = || pair("k", Proto::BoolValue(true));
        let (attributes, cut) = kept(vec![one(); MAX_ATTRIBUTES + 3]);
        assert_eq!(
            (attributes.iter().len(), cut.attributes),
            (MAX_ATTRIBUTES, 3)
        );

        let long = vec![
            // A character of two bytes over the end.
            pair(
                "t",
                Proto::StringValue(format!("x{}", "é".repeat(MAX_TEXT / 2))),
            ),
            pair("b", Proto::BytesValue(vec![0; MAX_TEXT + 1])),
            pair(&"k".repeat(MAX_KEY + 1), Proto::BoolValue(true)),
            pair("a", array(vec![AnyValue::default(); MAX_VALUES + 1])),
        ];
        let (attributes, cut) = kept(long);
        assert_eq!(
            cut,
            Cut {
                values: 4,
                ..Cut::default()
            }
        );
        assert_eq!(attributes.text("t").map(str::len), Some(MAX_TEXT - 1));
        let lengths: Vec<_> = attributes.iter().map(|found| found.key.len()).collect();
        assert_eq!(lengths, [1, 1, MAX_KEY, 1]);
        assert!(
            matches!(attributes.get("a"), Some(Value::Array(values)) if values.len() == MAX_VALUES)
        );
    }

    #[test]
    fn what_is_nested_too_deep_ends() {
        let deep = (0..MAX_DEPTH + 5).fold(Proto::IntValue(1), |inner, _| array(vec![any(inner)]));
        let (attributes, cut) = kept(vec![pair("deep", deep)]);
        assert_eq!(cut.values, 1);
        let mut value = attributes.get("deep").unwrap();
        let mut depth = 0;
        while let Value::Array(values) = value {
            (value, depth) = (&values[0], depth + 1);
        }
        assert_eq!((depth, value), (MAX_DEPTH, &Value::Empty));
    }

    #[test]
    fn every_value_has_its_weight() {
        let weight = |value| kept(vec![pair("k", value)]).0.weight();
        let plain = weight(Proto::BoolValue(true));
        assert!(plain > size_of::<Attribute>());
        assert_eq!(weight(Proto::StringValue("x".repeat(100))), plain + 112);
        assert_eq!(weight(Proto::BytesValue(vec![0; 100])), plain + 112);
        let three = vec![any(Proto::StringValue("abc".into())); 3];
        assert_eq!(weight(array(three)), plain + 3 * (size_of::<Value>() + 16));
        let values = vec![pair("ab", Proto::BoolValue(true)); 3];
        let map = Proto::KvlistValue(KeyValueList { values });
        assert_eq!(weight(map), plain + 3 * (size_of::<Attribute>() + 16));
    }
}
