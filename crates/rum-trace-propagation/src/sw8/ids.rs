//! SkyWalking's ids as OpenTelemetry's, and back.
//!
//! The OpenTelemetry Collector's `skywalking` receiver turns segments into OTLP
//! spans. Mapped as it maps them, a Rust service's spans and the segments of
//! the other services in its trace join in any OTLP backend. Where the receiver
//! gives no id there is nothing to join with, and the mapping is ours:
//! deterministic, and never zero.

use sha2::{Digest, Sha256};

use crate::hex;
use crate::{SpanId, TraceId};

/// A SkyWalking trace id as an OpenTelemetry trace id.
///
/// ```
/// use rum_trace_propagation::sw8::otel_trace_id;
///
/// // a Java agent's
/// let id = otel_trace_id("de5980b8fce34a37aab9b4ac3af7eedd.1.16563474296430001");
/// assert_eq!(id.to_string(), "de5980b8fde34a371be41bcd5e2fd4dd");
/// // a PHP or Rust agent's
/// let id = otel_trace_id("292916327425763124263738402829395874213");
/// assert_eq!(id.to_string(), "dc5da1f35049f61021c3f57a9b84d1a5");
/// ```
#[must_use]
pub fn otel_trace_id(trace_id: &str) -> TraceId {
    let text = trace_id.as_bytes();
    receiver_trace_id(text)
        .and_then(TraceId::from_bytes)
        .or_else(|| decimal(text).and_then(TraceId::from_bytes))
        .unwrap_or_else(|| TraceId::from_bytes_or_one(digest(text)))
}

/// A span of a SkyWalking segment as an OpenTelemetry span id.
#[must_use]
pub fn otel_span_id(segment_id: &str, span_index: u32) -> SpanId {
    let text = segment_id.as_bytes();
    receiver_span_id(text, span_index)
        .and_then(SpanId::from_bytes)
        .or_else(|| hex_span_id(text, span_index))
        .or_else(|| {
            decimal(text).and_then(|id| SpanId::from_bytes(fold(xor_index(id, span_index))))
        })
        .unwrap_or_else(|| SpanId::from_bytes_or_one(xor_index(digest(text), span_index)))
}

/// The segment id, as 32 hex digits, whose span 0 maps to `span_id`: what a
/// service with OpenTelemetry ids tells a SkyWalking agent behind it.
///
/// ```
/// use rum_trace_propagation::{SpanId, TraceId, sw8};
///
/// let trace_id = TraceId::from_hex(b"4bf92f3577b34da6a3ce929d0e0e4736").unwrap();
/// let span_id = SpanId::from_hex(b"00f067aa0ba902b7").unwrap();
/// assert_eq!(&sw8::segment_id(trace_id, span_id), b"4bf92f3577b34da64b09489f7c1a4f11");
/// ```
#[must_use]
pub fn segment_id(trace_id: TraceId, span_id: SpanId) -> [u8; 32] {
    let trace = trace_id.to_bytes();
    let mut id = [0; 16];
    let (head, tail) = id.split_at_mut(8);
    for (((head, tail), trace), span) in
        head.iter_mut().zip(tail).zip(trace).zip(span_id.to_bytes())
    {
        *head = trace;
        *tail = trace ^ span;
    }
    let mut text = [0; 32];
    hex::encode(&id, &mut text);
    text
}

/// Up to 36 bytes: a UUID with or without dashes, in any case. Longer: a
/// segment id's form.
fn receiver_trace_id(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() > 36 {
        mix(text, 0)
    } else {
        uuid(text)
    }
}

fn receiver_span_id(text: &[u8], index: u32) -> Option<[u8; 8]> {
    if text.len() < 32 {
        None
    } else {
        mix(text, index).map(fold)
    }
}

/// 32 hex digits, or 8-4-4-4-12.
fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 {
        let digits: [u8; 32] = text.try_into().ok()?;
        return any_case(digits);
    }
    let groups = [
        (0, 8, 0),
        (9, 13, 8),
        (14, 18, 12),
        (19, 23, 16),
        (24, 36, 20),
    ];
    let mut digits = [0; 32];
    for (begin, end, to) in groups {
        let group = text.get(begin..end)?;
        if end < 36 && text.get(end) != Some(&b'-') {
            return None;
        }
        digits
            .get_mut(to..)?
            .get_mut(..group.len())?
            .copy_from_slice(group);
    }
    any_case(digits)
}

fn any_case(mut digits: [u8; 32]) -> Option<[u8; 16]> {
    digits.make_ascii_lowercase();
    hex::decode_u128(&digits).map(u128::to_be_bytes)
}

/// The receiver's reading of `32hex`, or of `32hex.{number}.{number}`.
fn mix(text: &[u8], index: u32) -> Option<[u8; 16]> {
    let (head, tail) = text.split_first_chunk::<32>()?;
    let Some(id) = any_case(*head) else {
        return Some(as_far_as_decoded(head));
    };
    let id = xor_index(id, index);
    if tail.is_empty() {
        return Some(id);
    }
    let (middle, last) = numbers(tail)?;
    let mut number = [0; 16];
    let (_, rest) = number.split_at_mut(4);
    let (four, eight) = rest.split_at_mut(4);
    // The low 32 bits of the middle one, and the whole last one.
    four.copy_from_slice(middle.to_le_bytes().first_chunk::<4>()?);
    eight.copy_from_slice(&last.to_le_bytes());
    Some(xor(id, number))
}

/// The bytes of the digits before the first pair that is none, and zeros.
fn as_far_as_decoded(digits: &[u8; 32]) -> [u8; 16] {
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { break };
        match hex::pair(high.to_ascii_lowercase(), low.to_ascii_lowercase()) {
            Some(value) => *byte = value,
            None => break,
        }
    }
    id
}

/// The numbers of `.{number}.{number}`. What stands between the first and the
/// last dot must be one number; the receiver panics on a single dot.
fn numbers(tail: &[u8]) -> Option<(i64, i64)> {
    let (b'.', rest) = tail.split_first()? else {
        return None;
    };
    let dot = rest.iter().rposition(|byte| *byte == b'.')?;
    let (middle, last) = rest.split_at_checked(dot)?;
    Some((go_parse_int(middle)?, go_parse_int(last.get(1..)?)?))
}

/// Go's `strconv.ParseInt(text, 10, 64)`: an optional sign, then digits.
fn go_parse_int(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// One to 39 decimal digits that fit a `u128`.
fn decimal(text: &[u8]) -> Option<[u8; 16]> {
    if text.is_empty() || text.len() > 39 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u128 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number != 0).then(|| number.to_be_bytes())
}

fn hex_span_id(text: &[u8], index: u32) -> Option<SpanId> {
    let mut digits: [u8; 16] = text.try_into().ok()?;
    digits.make_ascii_lowercase();
    let id = hex::decode_u64(&digits)?.to_be_bytes();
    SpanId::from_bytes(xor_index(id, index))
}

fn digest<const N: usize>(text: &[u8]) -> [u8; N] {
    let digest = Sha256::digest(text);
    digest.first_chunk::<N>().copied().unwrap_or([0; N])
}

fn xor<const N: usize>(mut left: [u8; N], right: [u8; N]) -> [u8; N] {
    for (left, right) in left.iter_mut().zip(right) {
        *left ^= right;
    }
    left
}

/// The index, little-endian, into the first four bytes.
fn xor_index<const N: usize>(mut id: [u8; N], index: u32) -> [u8; N] {
    for (byte, index) in id.iter_mut().zip(index.to_le_bytes()) {
        *byte ^= index;
    }
    id
}

/// Sixteen bytes as eight: each with the one eight further.
fn fold(id: [u8; 16]) -> [u8; 8] {
    let mut folded = [0; 8];
    let (head, tail) = id.split_at(8);
    for ((folded, head), tail) in folded.iter_mut().zip(head).zip(tail) {
        *folded = head ^ tail;
    }
    folded
}
