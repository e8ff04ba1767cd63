//! Hexadecimal digits.

const INVALID: u8 = 0xff;

const fn table(upper: bool) -> [u8; 256] {
    let mut table = [INVALID; 256];
    let mut digit = 0_u8;
    while digit < 16 {
        let (lower_case, upper_case) = match digit {
            0..=9 => (b'0'.wrapping_add(digit), b'0'.wrapping_add(digit)),
            _ => (
                b'a'.wrapping_add(digit).wrapping_sub(10),
                b'A'.wrapping_add(digit).wrapping_sub(10),
            ),
        };
        #[allow(
            clippy::indexing_slicing,
            reason = "evaluated at compile time; a u8 is in range"
        )]
        {
            table[lower_case as usize] = digit;
            if upper {
                table[upper_case as usize] = digit;
            }
        }
        digit = digit.wrapping_add(1);
    }
    table
}

static LOWER: [u8; 256] = table(false);
static ANY: [u8; 256] = table(true);

/// Which digits are allowed.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Any,
}

impl Case {
    /// The value of a digit, or [`INVALID`].
    #[allow(clippy::indexing_slicing, reason = "a u8 is always in a table of 256")]
    fn digit(self, byte: u8) -> u8 {
        match self {
            Case::Lower => LOWER[byte as usize],
            Case::Any => ANY[byte as usize],
        }
    }

    /// The byte of two digits.
    pub(crate) fn pair(self, high: u8, low: u8) -> Option<u8> {
        let (high, low) = (self.digit(high), self.digit(low));
        ((high | low) < 16).then_some(high.wrapping_shl(4) | low)
    }
}

/// Exactly `2 * N` digits as `N` bytes.
pub(crate) fn decode<const N: usize>(text: &[u8], case: Case) -> Option<[u8; N]> {
    if text.len() != N.checked_mul(2)? {
        return None;
    }
    let mut bytes = [0; N];
    let mut seen = 0_u8;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        let (high, low) = (case.digit(high), case.digit(low));
        seen |= high | low;
        *byte = high.wrapping_shl(4) | low;
    }
    // One test for all of them: every valid digit is below 16.
    (seen < 16).then_some(bytes)
}

/// Up to `2 * N` digits, padded with zeros on the left.
pub(crate) fn decode_padded<const N: usize>(text: &[u8], case: Case) -> Option<[u8; N]> {
    let width = N.checked_mul(2)?;
    let missing = width
        .checked_sub(text.len())
        .filter(|missing| *missing < width)?;
    let mut padded = [b'0'; 64];
    padded.get_mut(missing..width)?.copy_from_slice(text);
    decode(padded.get(..width)?, case)
}

/// Lower-case digits.
pub(crate) fn encode(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(nibble as usize).copied().unwrap_or(b'0');
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
    }
}

/// ASCII that this crate has written itself.
pub(crate) fn as_str(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}
