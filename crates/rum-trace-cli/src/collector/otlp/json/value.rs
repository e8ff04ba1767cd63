//! Attributes and their values.

use std::fmt;

use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::fields::{Base64, Double, Message, Number, nullable};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct KeyValue {
    #[serde(deserialize_with = "nullable")]
    key: String,
    value: Option<AnyValue>,
}

pub(super) fn pairs(pairs: Vec<Message<KeyValue>>) -> Vec<common::KeyValue> {
    let pairs = pairs.into_iter().map(|Message(pair)| common::KeyValue {
        key: pair.key,
        value: pair.value.map(|value| common::AnyValue { value: value.0 }),
        ..common::KeyValue::default()
    });
    pairs.collect()
}

/// No larger than it is in the end: a structure with a field for each type
/// would be.
struct AnyValue(Option<Value>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Array {
    #[serde(deserialize_with = "nullable")]
    values: Vec<AnyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyValueList {
    #[serde(deserialize_with = "nullable")]
    values: Vec<Message<KeyValue>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Type {
    StringValue,
    BoolValue,
    IntValue,
    DoubleValue,
    ArrayValue,
    KvlistValue,
    BytesValue,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyVisitor).map(Self)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a value of one type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key()? {
            // `null` is no value of any type.
            let Some(value) = next_value(&mut map, &key)? else {
                continue;
            };
            if found.replace(value).is_some() {
                return Err(A::Error::custom("a value has more than one type"));
            }
        }
        Ok(found)
    }
}

fn next_value<'de, A: MapAccess<'de>>(map: &mut A, key: &Type) -> Result<Option<Value>, A::Error> {
    Ok(match key {
        Type::StringValue => map.next_value::<Option<_>>()?.map(Value::StringValue),
        Type::BoolValue => map.next_value::<Option<_>>()?.map(Value::BoolValue),
        Type::IntValue => map
            .next_value::<Option<Number<i64>>>()?
            .map(|number| Value::IntValue(number.0)),
        Type::DoubleValue => map
            .next_value::<Option<Double>>()?
            .map(|number| Value::DoubleValue(number.0)),
        Type::BytesValue => map
            .next_value::<Option<Base64>>()?
            .map(|bytes| Value::BytesValue(bytes.0)),
        Type::ArrayValue => map
            .next_value::<Option<Message<Array>>>()?
            .map(|Message(array)| {
                let values = array.values.into_iter();
                let values = values.map(|value| common::AnyValue { value: value.0 });
                Value::ArrayValue(common::ArrayValue {
                    values: values.collect(),
                })
            }),
        Type::KvlistValue => {
            map.next_value::<Option<Message<KeyValueList>>>()?
                .map(|Message(list)| {
                    Value::KvlistValue(common::KeyValueList {
                        values: pairs(list.values),
                    })
                })
        }
        Type::Unknown => map.next_value::<IgnoredAny>().map(|_| None)?,
    })
}
