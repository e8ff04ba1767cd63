//! Protocol Buffers, as far as OTLP's spans need it: written straight into a
//! buffer, with the lengths told before.
//!
//! Field numbers are those of `opentelemetry/proto/trace/v1/trace.proto` and
//! `common/v1/common.proto`; the order of fields is free.

use opentelemetry::{Array, KeyValue, Value};

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// An attribute's value, by reference.
#[derive(Clone, Copy)]
pub(crate) enum AnyValue<'a> {
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
    Array(&'a Array),
    /// A kind that this crate does not know: a value without a value.
    Unknown,
}

impl<'a> From<&'a Value> for AnyValue<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::String(text) => AnyValue::Text(text.as_str()),
            Value::Bool(truth) => AnyValue::Bool(*truth),
            Value::I64(number) => AnyValue::Int(*number),
            Value::F64(number) => AnyValue::Double(*number),
            Value::Array(array) => AnyValue::Array(array),
            _ => AnyValue::Unknown,
        }
    }
}

impl AnyValue<'_> {
    fn len(self) -> usize {
        match self {
            AnyValue::Text(text) => prefixed(text.len()),
            AnyValue::Bool(_) => 2,
            AnyValue::Int(number) => 1 + varint_len(number as u64),
            AnyValue::Double(_) => 9,
            AnyValue::Array(array) => prefixed(array_len(array)),
            AnyValue::Unknown => 0,
        }
    }

    fn write(self, to: &mut Vec<u8>) {
        match self {
            AnyValue::Text(text) => bytes(to, 1, text.as_bytes()),
            AnyValue::Bool(truth) => varint_field(to, 2, u64::from(truth)),
            AnyValue::Int(number) => varint_field(to, 3, number as u64),
            AnyValue::Double(number) => fixed64(to, 4, number.to_bits()),
            AnyValue::Array(array) => {
                message(to, 5, array_len(array));
                each(array, &mut |value| {
                    message(to, 1, value.len());
                    value.write(to);
                });
            }
            AnyValue::Unknown => {}
        }
    }
}

fn array_len(array: &Array) -> usize {
    let mut len = 0;
    each(array, &mut |value| len += prefixed(value.len()));
    len
}

fn each(array: &Array, visit: &mut dyn FnMut(AnyValue<'_>)) {
    match array {
        Array::Bool(list) => list.iter().for_each(|it| visit(AnyValue::Bool(*it))),
        Array::I64(list) => list.iter().for_each(|it| visit(AnyValue::Int(*it))),
        Array::F64(list) => list.iter().for_each(|it| visit(AnyValue::Double(*it))),
        Array::String(list) => {
            let texts = list.iter();
            texts.for_each(|it| visit(AnyValue::Text(it.as_str())));
        }
        // The enum may grow.
        _ => {}
    }
}

/// An attribute: `KeyValue { key = 1, value = 2 }`.
///
/// Nearly all of them are short, and their kinds few: then each length is one
/// byte, and what is around key and value can be written at once.
#[inline]
pub(crate) fn attribute(to: &mut Vec<u8>, field: u32, key: &str, value: AnyValue<'_>) {
    debug_assert!(field < 16, "its tag is one byte");
    // Three lengths below this one are then below it as well.
    const SHORT: usize = 0x80;
    let tag = (field << 3 | LENGTH) as u8;
    let head = |len: usize| [tag, len as u8, KEY, key.len() as u8];
    match value {
        AnyValue::Text(text) if key.len() + text.len() + 6 < SHORT => {
            let len = text.len() as u8;
            to.reserve(key.len() + text.len() + 8);
            to.extend_from_slice(&head(key.len() + text.len() + 6));
            to.extend_from_slice(key.as_bytes());
            to.extend_from_slice(&[VALUE, len + 2, TEXT, len]);
            to.extend_from_slice(text.as_bytes());
        }
        AnyValue::Int(number @ 0..0x4000) if key.len() + 7 < SHORT => {
            let (low, high) = (number as u8 | 0x80, (number >> 7) as u8);
            to.reserve(key.len() + 9);
            // A number below 128 is the shorter by a byte.
            let len = 1 + usize::from(high > 0);
            to.extend_from_slice(&head(key.len() + 5 + len));
            to.extend_from_slice(key.as_bytes());
            if high > 0 {
                to.extend_from_slice(&[VALUE, 3, INT, low, high]);
            } else {
                to.extend_from_slice(&[VALUE, 2, INT, low & 0x7f]);
            }
        }
        AnyValue::Double(number) if key.len() + 13 < SHORT => {
            to.reserve(key.len() + 15);
            to.extend_from_slice(&head(key.len() + 13));
            to.extend_from_slice(key.as_bytes());
            to.extend_from_slice(&[VALUE, 9, DOUBLE]);
            to.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        _ => any_attribute(to, field, key, value),
    }
}

/// Tags of `KeyValue`, and of a text and of numbers in `AnyValue`.
const KEY: u8 = 0x0a;
const VALUE: u8 = 0x12;
const TEXT: u8 = 0x0a;
const INT: u8 = 0x18;
const DOUBLE: u8 = 0x21;

/// The same for whatever it is.
#[inline(never)]
fn any_attribute(to: &mut Vec<u8>, field: u32, key: &str, value: AnyValue<'_>) {
    let value_len = value.len();
    let len = prefixed(key.len()) + prefixed(value_len);
    // At most three bytes of tags and lengths more than that.
    to.reserve(len + 8);
    message(to, field, len);
    bytes(to, 1, key.as_bytes());
    message(to, 2, value_len);
    value.write(to);
}

pub(crate) fn key_values(to: &mut Vec<u8>, field: u32, attributes: &[KeyValue]) {
    for kv in attributes {
        attribute(to, field, kv.key.as_str(), AnyValue::from(&kv.value));
    }
}

/// What [`key_values`] writes.
pub(crate) fn key_values_len(attributes: &[KeyValue]) -> usize {
    let len = |kv: &KeyValue| {
        let value = AnyValue::from(&kv.value).len();
        prefixed(prefixed(kv.key.as_str().len()) + prefixed(value))
    };
    attributes.iter().map(len).sum()
}

/// The head of a message of so many bytes, which follow.
#[inline]
pub(crate) fn message(to: &mut Vec<u8>, field: u32, len: usize) {
    if field < 16 && len < 0x80 {
        to.extend_from_slice(&[(field << 3 | LENGTH) as u8, len as u8]);
        return;
    }
    tag(to, field, LENGTH);
    varint(to, len as u64);
}

#[inline]
pub(crate) fn bytes(to: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    message(to, field, bytes.len());
    to.extend_from_slice(bytes);
}

/// A number that is left out if it is zero.
pub(crate) fn count(to: &mut Vec<u8>, field: u32, number: u32) {
    if number != 0 {
        varint_field(to, field, u64::from(number));
    }
}

pub(crate) fn count_len(number: u32) -> usize {
    if number == 0 {
        return 0;
    }
    1 + varint_len(u64::from(number))
}

pub(crate) fn varint_field(to: &mut Vec<u8>, field: u32, number: u64) {
    tag(to, field, VARINT);
    varint(to, number);
}

pub(crate) fn fixed64(to: &mut Vec<u8>, field: u32, number: u64) {
    tag(to, field, FIXED64);
    to.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn fixed32(to: &mut Vec<u8>, field: u32, number: u32) {
    tag(to, field, FIXED32);
    to.extend_from_slice(&number.to_le_bytes());
}

#[inline]
fn tag(to: &mut Vec<u8>, field: u32, kind: u32) {
    varint(to, u64::from(field << 3 | kind));
}

#[inline]
pub(crate) fn varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Bytes of a field of so many bytes below number 16, with tag and length.
#[inline]
pub(crate) fn prefixed(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

#[inline]
pub(crate) fn varint_len(number: u64) -> usize {
    // One byte for every seven bits, and one for zero.
    let bits = 64 - (number | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_that_are_written() {
        let numbers = [
            0,
            1,
            127,
            128,
            16_383,
            16_384,
            u64::from(u32::MAX),
            u64::MAX,
        ];
        for number in numbers {
            let mut written = Vec::new();
            varint(&mut written, number);
            assert_eq!(written.len(), varint_len(number), "{number}");
        }
    }
}
