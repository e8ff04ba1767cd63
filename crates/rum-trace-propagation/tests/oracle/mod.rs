//! Second implementations of the header rules, written for obviousness: whole
//! strings are split and collected, numbers are kept as digits. They share no
//! code with the crate, so that an error in one shows as a disagreement.
//!
//! Bytes become text one to one (Latin-1), which keeps positions and makes any
//! byte above ASCII an ordinary character that no rule allows.

pub(crate) mod b3;
pub(crate) mod baggage;
pub(crate) mod base64;
pub(crate) mod correlation;
pub(crate) mod forwarded;
pub(crate) mod jaeger;
pub(crate) mod rum;
pub(crate) mod sw8;
pub(crate) mod sw8_extension;
pub(crate) mod sw8_ids;
pub(crate) mod traceparent;
pub(crate) mod tracestate;

/// One character a byte.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// The bytes again of what [`latin1`] gave.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

/// Optional white space of HTTP: space and tab, nothing else.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Whether all of `text` is of `alphabet`.
pub(crate) fn all_of(text: &str, alphabet: &str) -> bool {
    text.chars().all(|c| alphabet.contains(c))
}

/// Lowercase hex digits.
pub(crate) const HEX: &str = "0123456789abcdef";

/// A hex id of one to `digits` digits in any case, padded with zeros on the
/// left and in lowercase; none if it is zero.
pub(crate) fn padded_id(text: &str, digits: usize) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if lower.is_empty() || lower.len() > digits || !all_of(&lower, HEX) {
        return None;
    }
    let id = "0".repeat(digits - lower.len()) + &lower;
    (!all_of(&id, "0")).then_some(id)
}
