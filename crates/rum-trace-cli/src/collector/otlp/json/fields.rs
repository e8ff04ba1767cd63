//! Fields as protobuf's JSON mapping writes them, and as OTLP does.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

/// `null` is the same as no field.
pub(super) fn nullable<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A message: an object, and never the list of its fields' values that serde
/// would take too.
pub(super) struct Message<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Message<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MessageVisitor(PhantomData))
    }
}

struct MessageVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MessageVisitor<T> {
    type Value = Message<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Message)
    }
}

/// A whole number, which may also be text, and must be where it has 64 bits; or
/// a number with a fraction of nothing.
#[derive(Default)]
pub(super) struct Number<T>(pub(super) T);

/// A number with a fraction, or text of one; text where it is none.
pub(super) struct Double(pub(super) f64);

/// A number: "the enum names MUST NOT be used", as OTLP has it.
#[derive(Default)]
pub(super) struct Enum(pub(super) i32);

/// Ids, in either case.
#[derive(Default)]
pub(super) struct Hex(pub(super) Vec<u8>);

/// Of either alphabet, padded or not.
pub(super) struct Base64(pub(super) Vec<u8>);

/// A whole number of 64 bits or less.
pub(super) trait Whole: FromStr + TryFrom<u64> + TryFrom<i64> {}

impl Whole for i32 {}
impl Whole for u32 {}
impl Whole for i64 {}
impl Whole for u64 {}

impl<'de, T: Whole> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor::<T>(PhantomData))
    }
}

struct NumberVisitor<T>(PhantomData<T>);

impl<T: Whole> Visitor<'_> for NumberVisitor<T> {
    type Value = Number<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number of type {}", std::any::type_name::<T>())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        T::try_from(value)
            .map(Number)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        T::try_from(value)
            .map(Number)
            .map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        let invalid = || E::invalid_value(Unexpected::Float(value), &self);
        // By its digits, which are all of them and in no other notation.
        let digits = (value.fract() == 0.0).then(|| format!("{value:.0}"));
        digits
            .and_then(|digits| digits.parse().ok())
            .map(Number)
            .ok_or_else(invalid)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        if let Ok(number) = value.parse() {
            return Ok(Number(number));
        }
        // As in "1e3".
        let float: f64 = value
            .parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(value), &self))?;
        self.visit_f64(float)
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DoubleVisitor)
    }
}

struct DoubleVisitor;

impl Visitor<'_> for DoubleVisitor {
    type Value = Double;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Double, E> {
        Ok(Double(value))
    }

    // The nearest that there is.
    #[expect(clippy::cast_precision_loss)]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Double, E> {
        Ok(Double(value as f64))
    }

    #[expect(clippy::cast_precision_loss)]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Double, E> {
        Ok(Double(value as f64))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Double, E> {
        let number = match value {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            // Rust reads other words for these.
            _ => value.parse().ok().filter(|number: &f64| number.is_finite()),
        };
        number
            .map(Double)
            .ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }
}

impl<'de> Deserialize<'de> for Enum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i32::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HexVisitor)
    }
}

struct HexVisitor;

impl Visitor<'_> for HexVisitor {
    type Value = Hex;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id in hex")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Hex, E> {
        hex(value.as_bytes())
            .map(Hex)
            .ok_or_else(|| E::custom("an id is not hex"))
    }
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let pairs = text.chunks(2).map(|pair| match pair {
        [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base64Visitor)
    }
}

struct Base64Visitor;

impl Visitor<'_> for Base64Visitor {
    type Value = Base64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes in base64")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Base64, E> {
        let alphabet = match value.contains(['-', '_']) {
            true => &URL_SAFE,
            false => &STANDARD,
        };
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        let bytes = GeneralPurpose::new(alphabet, config).decode(value);
        bytes
            .map(Base64)
            .map_err(|_| E::custom("bytes are not base64"))
    }
}
