//! Hexadecimal digits.

/// The value of a lower-case digit, and whether it is one.
#[inline]
const fn digit(byte: u8) -> (u8, bool) {
    let (digit, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
    let value = if digit < 10 {
        digit
    } else {
        letter.wrapping_add(10)
    };
    (value, (digit < 10) | (letter < 6))
}

/// The byte of two lower-case digits.
#[inline]
pub(crate) fn pair(high: u8, low: u8) -> Option<u8> {
    let ((high, high_valid), (low, low_valid)) = (digit(high), digit(low));
    (high_valid & low_valid).then_some(high << 4 | low)
}

/// `DIGITS` lower-case digits as half as many bytes. Nothing here ends early,
/// so that the compiler can work on many digits at once.
#[inline]
fn decode<const DIGITS: usize, const BYTES: usize>(text: &[u8; DIGITS]) -> Option<[u8; BYTES]> {
    const { assert!(DIGITS == 2 * BYTES) };
    let mut values = [0; DIGITS];
    let mut valid = true;
    for (value, byte) in values.iter_mut().zip(text) {
        let (digit, digit_valid) = digit(*byte);
        *value = digit;
        valid &= digit_valid;
    }
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(values.chunks_exact(2)) {
        let pair = pair.first_chunk().copied().map_or(0, u16::from_le_bytes);
        let [together, _] = (pair << 4 | pair >> 8).to_le_bytes();
        *byte = together;
    }
    valid.then_some(bytes)
}

/// Exactly 16 lower-case digits as a number, the first the most significant.
#[inline(always)]
pub(crate) fn decode_u64(text: &[u8]) -> Option<u64> {
    decode::<16, 8>(text.try_into().ok()?).map(u64::from_be_bytes)
}

/// Exactly 32 lower-case digits as a number.
#[inline(always)]
pub(crate) fn decode_u128(text: &[u8]) -> Option<u128> {
    decode::<32, 16>(text.try_into().ok()?).map(u128::from_be_bytes)
}

/// One to 32 digits of any case as a number.
pub(crate) fn decode_short(text: &[u8]) -> Option<u128> {
    let mut padded = [b'0'; 32];
    let begin = padded.len().checked_sub(text.len())?;
    if text.is_empty() {
        return None;
    }
    padded.get_mut(begin..)?.copy_from_slice(text);
    padded.make_ascii_lowercase();
    decode_u128(&padded)
}

/// Lower-case digits.
pub(crate) fn encode(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(nibble as usize).copied().unwrap_or(b'0');
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
    }
}
