//! `uber-trace-id: {trace id}:{span id}:{parent span id}:{flags}`, which some
//! clients URL-encode.

use super::{baggage::percent_decoded_bytes, latin1, padded_id, trim};

/// Trace id and span id as lowercase hex of full length, sampled, debug.
pub(crate) type Read = (String, String, bool, bool);

/// A value's fields, or nothing.
pub(crate) fn parse(value: &[u8]) -> Option<Read> {
    let text = latin1(&percent_decoded_bytes(&latin1(value)));
    let parts: Vec<&str> = trim(&text).split(':').collect();
    let [trace, span, parent, flags] = parts[..] else {
        return None;
    };
    let trace = padded_id(trace, 32)?;
    let span = padded_id(span, 16)?;
    // Deprecated, and zero at a root: a hex number, no more is asked of it.
    if !(1..=16).contains(&parent.len()) || !hex(parent) {
        return None;
    }
    if !(1..=2).contains(&flags.len()) || !hex(flags) {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some((trace, span, flags & 1 != 0, flags & 2 != 0))
}

fn hex(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_hexdigit())
}
