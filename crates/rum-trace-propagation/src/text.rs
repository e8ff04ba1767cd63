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

/// Where the first such byte is, which is expected to be within a few words:
/// a search that is made for long texts takes as long to set up.
#[inline]
pub(crate) fn find(byte: u8, value: &[u8]) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = LOW << 7;
    let wanted = u64::from_ne_bytes([byte; 8]);
    let mut words = value.chunks_exact(8);
    let mut at: usize = 0;
    for word in words.by_ref() {
        let word = word.first_chunk().copied().map_or(0, u64::from_le_bytes);
        // A byte is zero where the word has the wanted one, and the subtraction
        // borrows there first.
        let differs = word ^ wanted;
        let found = differs.wrapping_sub(LOW) & !differs & HIGH;
        if found != 0 {
            return at.checked_add(found.trailing_zeros() as usize / 8);
        }
        at = at.saturating_add(8);
    }
    let rest = words.remainder().iter().position(|it| *it == byte)?;
    at.checked_add(rest)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_found_wherever_it_is() {
        for len in 0..40 {
            for first in 0..len {
                for second in first..len {
                    // The neighbours of the byte are what borrowing could take for it.
                    for other in [b'&' - 1, b'&' + 1, b'&' | 0x80, 0, 0xff] {
                        let mut value = vec![other; len];
                        value[first] = b'&';
                        value[second] = b'&';
                        assert_eq!(find(b'&', &value), Some(first), "{value:?}");
                        assert_eq!(find(b'x', &value), None, "{value:?}");
                    }
                }
            }
        }
    }
}
