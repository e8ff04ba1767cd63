//! Base64 by RFC 4648 §4, through a row of single bits.

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes of a text whose padding may be missing and whose last bits may be
/// anything.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let data = text.trim_end_matches('=');
    let padding = text.len() - data.len();
    let wanted = match data.chars().count() % 4 {
        0 => 0,
        2 => 2,
        3 => 1,
        _ => return None,
    };
    if padding > wanted {
        return None;
    }
    let mut bits = Vec::new();
    for c in data.chars() {
        bits.extend(bits_of(ALPHABET.find(c)?, 6));
    }
    // Bits that fill no byte are left over.
    Some(
        bits.chunks_exact(8)
            .map(|bits| number(bits) as u8)
            .collect(),
    )
}

/// The padded text of bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut bits: Vec<bool> = bytes
        .iter()
        .flat_map(|&byte| bits_of(byte.into(), 8))
        .collect();
    while bits.len() % 6 != 0 {
        bits.push(false);
    }
    let symbols = bits
        .chunks(6)
        .map(|bits| char::from(ALPHABET.as_bytes()[number(bits)]));
    let mut text: String = symbols.collect();
    while text.len() % 4 != 0 {
        text.push('=');
    }
    text
}

/// The last bits of a number, the highest first.
fn bits_of(number: usize, count: usize) -> impl Iterator<Item = bool> {
    (0..count).rev().map(move |at| number >> at & 1 == 1)
}

fn number(bits: &[bool]) -> usize {
    bits.iter()
        .fold(0, |number, &bit| number * 2 + usize::from(bit))
}
