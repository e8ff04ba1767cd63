//! White space, and where a part of a value lies in it.

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

/// Where a byte first stands. Eight bytes are looked at in one step: looking
/// for separators is most of what reading a header takes.
pub(crate) fn find(value: &[u8], wanted: u8) -> Option<usize> {
    const LOW: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let pattern = u64::from_le_bytes([wanted; 8]);
    let (mut rest, mut at) = (value, 0_usize);
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        // The byte that is wanted is now zero. Taking one from each byte sets
        // the highest bit of the first zero byte, and of none before it.
        let word = u64::from_le_bytes(*word) ^ pattern;
        let zeros = word.wrapping_sub(LOW) & !word & HIGH;
        if zeros != 0 {
            return Some(at.saturating_add(zeros.trailing_zeros() as usize / 8));
        }
        (rest, at) = (behind, at.saturating_add(8));
    }
    let last = rest.iter().position(|byte| *byte == wanted)?;
    Some(at.saturating_add(last))
}

/// The pieces of a value between separators.
pub(crate) fn split(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (piece, behind) = match split_once(text, separator) {
            Some((piece, behind)) => (piece, Some(behind)),
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

/// The two sides of the first `separator`.
pub(crate) fn split_once(value: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = find(value, separator)?;
    let (left, right) = value.split_at_checked(at)?;
    Some((left, right.get(1..)?))
}
