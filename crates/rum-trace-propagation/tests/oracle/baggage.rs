//! `baggage` by W3C Baggage, §3.2, but for values: the web SDK writes a user's
//! id as it is, so any byte may stand in one.

use super::{bytes, latin1, trim};

/// A legal entry, its value decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) properties: String,
}

/// RFC 9110's `tchar` beside letters and digits.
const TOKEN_MARKS: &str = "!#$%&'*+-.^_`|~";

/// What a field holds: an entry, or nothing where a member is illegal. Empty
/// members are no members.
pub(crate) fn entries(field: &[u8]) -> Vec<Option<Entry>> {
    let text = latin1(field);
    let members = text
        .split(',')
        .map(trim)
        .filter(|member| !member.is_empty());
    members.map(entry).collect()
}

fn entry(member: &str) -> Option<Entry> {
    let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (trim(key), trim(value));
    let token = |c: char| c.is_ascii_alphanumeric() || TOKEN_MARKS.contains(c);
    if key.is_empty() || !key.chars().all(token) {
        return None;
    }
    Some(Entry {
        key: key.to_owned(),
        value: percent_decoded(value),
        properties: String::from_utf8(bytes(trim(properties))).ok()?,
    })
}

/// `%XX` as a byte; a `%` that starts no such group stays as it is.
pub(super) fn percent_decoded_bytes(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let group = rest.as_str().get(..2).filter(|_| c == '%');
        let is_hex = |digits: &&str| digits.chars().all(|c| c.is_ascii_hexdigit());
        match group.filter(is_hex) {
            Some(digits) => {
                decoded.push(u8::from_str_radix(digits, 16).unwrap());
                rest = rest.as_str()[2..].chars();
            }
            None => decoded.push(c as u8),
        }
    }
    decoded
}

fn percent_decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent_decoded_bytes(text)).into_owned()
}
