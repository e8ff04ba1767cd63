//! `sw8-correlation`: SkyWalking's baggage, `b64(key):b64(value),…`.

use super::base64::{self, encode_to};
use super::latin1;
use crate::error::{parse_error, parts};
use crate::text::{offset_in, split_at_bytes, split_once, trim_ows};

/// How many pairs agents send at most, by default.
pub const MAX_PAIRS: usize = 3;

/// How long a value is at most, in bytes, by default.
pub const MAX_VALUE: usize = 128;

parts! {
    /// The parts of a correlation pair.
    CorrelationPart {
        /// The key.
        Key => "key",
        /// The value.
        Value => "value",
        /// The pair as a whole.
        Pair => "pair",
    }
}

parse_error! {
    /// Why a correlation pair cannot be read.
    CorrelationError, CorrelationPart, "sw8-correlation"
}

/// The pairs of a header value, in order. A pair that cannot be read is an
/// error of its own, and the next one follows.
///
/// ```
/// use rum_trace_propagation::sw8::correlation::pairs;
///
/// let pairs: Vec<_> = pairs(b"c2Vzc2lvbg==:NGYwNGQyZjU=").flatten().collect();
/// assert_eq!(pairs, [("session".to_owned(), "4f04d2f5".to_owned())]);
/// ```
pub fn pairs(value: &[u8]) -> impl Iterator<Item = Result<(String, String), CorrelationError>> {
    split_at_bytes(value, b',')
        .map(|(_, pair)| trim_ows(pair))
        .filter(|pair| !pair.is_empty())
        .map(move |pair| parse(value, pair))
}

fn parse(whole: &[u8], pair: &[u8]) -> Result<(String, String), CorrelationError> {
    let error =
        |part, at: &[u8], expected| CorrelationError::new(part, offset_in(whole, at), expected);
    let Some((key, value)) = split_once(pair, b':') else {
        return Err(error(
            CorrelationPart::Pair,
            pair,
            "a colon between key and value",
        ));
    };
    let text = match decode(key) {
        Some(key) if !key.is_empty() => key,
        _ => {
            return Err(error(
                CorrelationPart::Key,
                key,
                "text in base64, not empty",
            ));
        }
    };
    match decode(value) {
        Some(value) => Ok((text, value)),
        None => Err(error(CorrelationPart::Value, value, "text in base64")),
    }
}

fn decode(word: &[u8]) -> Option<String> {
    let bytes = base64::decode(trim_ows(word))?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| latin1(error.as_bytes())))
}

/// The header value for these pairs, within the limits that agents keep: at
/// most [`MAX_PAIRS`], and none with a value longer than [`MAX_VALUE`]; what is
/// over them is left out.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut header = String::new();
    let fitting = pairs
        .into_iter()
        .filter(|(key, value)| !key.is_empty() && value.len() <= MAX_VALUE);
    for (key, value) in fitting.take(MAX_PAIRS) {
        if !header.is_empty() {
            header.push(',');
        }
        encode_to(key, &mut header);
        header.push(':');
        encode_to(value, &mut header);
    }
    header
}
