//! Base64 as agents write it, and read a little more leniently.
//!
//! Reading is our own: six short texts make up most of what an `sw8` header
//! costs, and the crates at hand are made for long ones (`docs/DESIGN.md` has
//! the figures). The tests compare it with the `base64` crate, which writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a byte that is no digit has for a value: a bit that no digit has.
const INVALID: u8 = 0x80;

/// The value of each byte as a digit (RFC 4648, section 4).
static VALUES: [u8; 256] = {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [INVALID; 256];
    let mut value = 0_u8;
    while value < 64 {
        #[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
        {
            values[digits[value as usize] as usize] = value;
        }
        value = value.wrapping_add(1);
    }
    values
};

#[inline]
fn value(digit: u8) -> u8 {
    #[allow(clippy::indexing_slicing, reason = "a u8 is always in a table of 256")]
    VALUES[digit as usize]
}

/// The text without its padding, all or part of which may be missing.
fn without_padding(text: &[u8]) -> Option<&[u8]> {
    match text {
        [rest @ .., b'=', b'='] => (rest.len() % 4 == 2).then_some(rest),
        [rest @ .., b'='] => matches!(rest.len() % 4, 2 | 3).then_some(rest),
        text => Some(text),
    }
}

/// Decodes into the beginning of `bytes`, which must have room for three bytes
/// for each four digits begun; how many there are. Padding may be missing, and
/// the unused last bits may be anything.
pub(super) fn decode_into(text: &[u8], bytes: &mut [u8]) -> Option<usize> {
    let text = without_padding(text)?;
    let fours = text.chunks_exact(4);
    let rest = fours.remainder();
    let (whole, last) = bytes.split_at_mut_checked(fours.len().checked_mul(3)?)?;
    let mut seen = 0;
    for (digits, bytes) in fours.zip(whole.chunks_exact_mut(3)) {
        let &[a, b, c, d] = digits else { return None };
        let [a, b, c, d] = [value(a), value(b), value(c), value(d)];
        seen |= a | b | c | d;
        bytes.copy_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    let ended = match (rest, last) {
        ([], _) => 0,
        (&[a, b], [byte, ..]) => {
            let [a, b] = [value(a), value(b)];
            seen |= a | b;
            *byte = a << 2 | b >> 4;
            1
        }
        (&[a, b, c], [first, second, ..]) => {
            let [a, b, c] = [value(a), value(b), value(c)];
            seen |= a | b | c;
            [*first, *second] = [a << 2 | b >> 4, b << 4 | c >> 2];
            2
        }
        _ => return None,
    };
    // One test for all of them.
    (seen & INVALID == 0).then(|| whole.len().saturating_add(ended))
}

pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len()];
    let len = decode_into(text, &mut bytes)?;
    bytes.truncate(len);
    Some(bytes)
}

/// Appends the text in base64, with padding.
pub(super) fn encode_to(text: &str, out: &mut String) {
    STANDARD.encode_string(text, out);
}
