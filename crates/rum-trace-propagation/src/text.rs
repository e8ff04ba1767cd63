//! White space, and where a part of a value lies in it.

use memchr::memchr;

/// Optional white space, RFC 9110, §5.6.3: space and horizontal tab.
const fn is_ows(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The value without optional white space round it.
pub(crate) fn trim_ows(mut value: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = value {
        if !is_ows(*first) {
            break;
        }
        value = rest;
    }
    while let [rest @ .., last] = value {
        if !is_ows(*last) {
            break;
        }
        value = rest;
    }
    value
}

/// Where `part` begins in `whole`, of which it is a piece.
pub(crate) fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// The pieces of a value between separators.
pub(crate) fn split(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (piece, behind) = match memchr(separator, text) {
            Some(at) => (text.get(..at)?, text.get(at.checked_add(1)?..)),
            None => (text, None),
        };
        rest = behind;
        Some(piece)
    })
}

/// The pieces of a value between separators, each with the byte at which it
/// begins.
pub(crate) fn split_at_bytes(value: &[u8], separator: u8) -> impl Iterator<Item = (usize, &[u8])> {
    split(value, separator).map(move |piece| (offset_in(value, piece), piece))
}

/// The two sides of the first `separator`, which is expected to be near.
pub(crate) fn split_once(value: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = value.iter().position(|byte| *byte == separator)?;
    let (left, right) = value.split_at_checked(at)?;
    Some((left, right.get(1..)?))
}

/// Text that is known to be ASCII.
pub(crate) fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}
