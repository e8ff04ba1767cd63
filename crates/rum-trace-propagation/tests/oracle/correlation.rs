//! `sw8-correlation`: `b64(key):b64(value)`, separated by commas.

use super::{base64, latin1, trim};

/// What a value holds: a pair, or nothing where a member is malformed.
pub(crate) fn pairs(value: &[u8]) -> Vec<Option<(String, String)>> {
    let text = latin1(value);
    let members = text
        .split(',')
        .map(trim)
        .filter(|member| !member.is_empty());
    members.map(pair).collect()
}

fn pair(member: &str) -> Option<(String, String)> {
    let [key, value] = member.split(':').map(trim).collect::<Vec<_>>()[..] else {
        return None;
    };
    // As in `sw8`, a browser's `btoa` writes a byte for each Latin-1 character.
    let text = |part| {
        let text = String::from_utf8(base64::decode(part)?);
        Some(text.unwrap_or_else(|error| latin1(error.as_bytes())))
    };
    let key = text(key)?;
    (!key.is_empty()).then_some((key, text(value)?))
}

/// At most three pairs of values of at most 128 bytes.
pub(crate) fn encode(pairs: &[(String, String)]) -> String {
    let short = pairs
        .iter()
        .filter(|(key, value)| !key.is_empty() && value.len() <= 128);
    let text = |text: &String| base64::encode(text.as_bytes());
    let printed = short
        .take(3)
        .map(|(k, v)| format!("{}:{}", text(k), text(v)));
    printed.collect::<Vec<_>>().join(",")
}
