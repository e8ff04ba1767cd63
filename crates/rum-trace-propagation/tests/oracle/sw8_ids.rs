//! SkyWalking ids as OpenTelemetry ids: the Collector's algorithm, and ours
//! where that gives nothing.

use sha2::{Digest, Sha256};

/// The trace id of a trace's text.
pub(crate) fn trace_id(text: &[u8]) -> [u8; 16] {
    let collector = if text.len() <= 36 {
        uuid(text)
    } else {
        mix(text, 0)
    };
    let candidates = [
        collector,
        decimal(text).unwrap_or([0; 16]),
        sha256(text)[..16].try_into().unwrap(),
    ];
    let found = candidates.into_iter().find(|id| *id != [0; 16]);
    found.unwrap_or(1_u128.to_be_bytes())
}

/// The span id of a segment's text and a span's index in it.
pub(crate) fn span_id(text: &[u8], index: u32) -> [u8; 8] {
    let collector = if text.len() < 32 {
        [0; 8]
    } else {
        fold(mix(text, index))
    };
    let hex = if text.len() == 16 {
        hex_bytes(text)
    } else {
        Vec::new()
    };
    let hex = <[u8; 8]>::try_from(hex).map_or([0; 8], |id| xored(&id, index).try_into().unwrap());
    let number = decimal(text).map_or([0; 8], |id| fold(xored(&id, index).try_into().unwrap()));
    let hash = xored(&sha256(text)[..8], index).try_into().unwrap();
    let found = [collector, hex, number, hash]
        .into_iter()
        .find(|id| *id != [0; 8]);
    found.unwrap_or(1_u64.to_be_bytes())
}

/// The segment that a span of a trace is written as, 32 hex digits.
pub(crate) fn segment_id(trace_id: [u8; 16], span_id: [u8; 8]) -> String {
    let high = &trace_id[..8];
    let low = high.iter().zip(span_id).map(|(a, b)| a ^ b);
    let bytes = high.iter().copied().chain(low);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn uuid(text: &[u8]) -> [u8; 16] {
    let plain = match text.len() {
        32 => text.to_vec(),
        36 if [8, 13, 18, 23].iter().all(|&at| text[at] == b'-') => {
            // Only those four: a fifth `-` stays and is no hex digit.
            let keep = |at: usize| ![8, 13, 18, 23].contains(&at);
            (0..36).filter(|&at| keep(at)).map(|at| text[at]).collect()
        }
        _ => return [0; 16],
    };
    hex_bytes(&plain).try_into().unwrap_or([0; 16])
}

fn mix(text: &[u8], index: u32) -> [u8; 16] {
    let mut bytes = hex_bytes(&text[..32]);
    if bytes.len() < 16 {
        bytes.resize(16, 0);
        return bytes.try_into().unwrap();
    }
    bytes = xored(&bytes, index);
    if text.len() > 32 {
        let Some((thread, time)) = thread_and_time(text) else {
            return [0; 16];
        };
        // Two's complement: the low 32 bits of a negative number too.
        let thread = (thread as u64 & 0xffff_ffff) as u32;
        for (at, byte) in thread
            .to_le_bytes()
            .into_iter()
            .chain(time.to_le_bytes())
            .enumerate()
        {
            bytes[4 + at] ^= byte;
        }
    }
    bytes.try_into().unwrap()
}

/// The two integers of `….{thread}.{time}`, if the first dot is byte 32.
fn thread_and_time(text: &[u8]) -> Option<(i64, i64)> {
    let dots: Vec<usize> = (0..text.len()).filter(|&at| text[at] == b'.').collect();
    match dots[..] {
        [32, .., last] => Some((go_int(&text[33..last])?, go_int(&text[last + 1..])?)),
        _ => None,
    }
}

/// Go's `strconv.ParseInt(text, 10, 64)`.
fn go_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let size = number(digits)?;
    let size = i128::try_from(size).ok()?;
    i64::try_from(if negative { -size } else { size }).ok()
}

/// One to 39 decimal digits that are a non-zero `u128`.
fn decimal(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() > 39 {
        return None;
    }
    let value = number(text)?;
    (value != 0).then(|| value.to_be_bytes())
}

/// Decimal digits as a number by schoolbook arithmetic on the digits of base
/// 256; nothing if they are no digits, or more than 16 bytes.
fn number(digits: &[u8]) -> Option<u128> {
    let mut base256 = vec![0_u32];
    for digit in digits {
        let mut carry = char::from(*digit).to_digit(10)?;
        for place in &mut base256 {
            carry += *place * 10;
            *place = carry % 256;
            carry /= 256;
        }
        if carry > 0 {
            base256.push(carry);
        }
    }
    let fits = !digits.is_empty() && base256.len() <= 16;
    let value = |sum, place: &u32| sum * 256 + u128::from(*place);
    fits.then(|| base256.iter().rev().fold(0, value))
}

/// The bytes of hex digits up to the first pair that is none.
fn hex_bytes(text: &[u8]) -> Vec<u8> {
    let pair = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        let digit = |c: &u8| char::from(*c).to_digit(16);
        Some((digit(high)? * 16 + digit(low)?) as u8)
    };
    text.chunks(2).map_while(pair).collect()
}

/// The bytes with a little-endian index on their first four.
fn xored(bytes: &[u8], index: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (byte, mask) in bytes.iter_mut().zip(index.to_le_bytes()) {
        *byte ^= mask;
    }
    bytes
}

fn fold(bytes: [u8; 16]) -> [u8; 8] {
    std::array::from_fn(|at| bytes[at] ^ bytes[at + 8])
}

fn sha256(text: &[u8]) -> Vec<u8> {
    Sha256::digest(text).to_vec()
}
