//! How much of what a client sends is kept.
//!
//! The server already bounds a whole request head; these bound what each part
//! of it can put into a span. What is over a limit is cut and counted, never
//! an error: the request is served.

use std::borrow::Cow;

/// Bytes kept of a RUM field (app id, session, user, …).
pub(crate) const MAX_RUM_FIELD: usize = 256;

/// Bytes kept of any other text that a client sends: path, query, user agent,
/// host, listed headers.
pub(crate) const MAX_TEXT: usize = 4096;

/// Bytes kept of each id and name in `sw8`. Android writes a whole URL as the endpoint.
pub(crate) const MAX_SW8_NAME: usize = 1024;

/// Bytes of a `tracestate` list that are sent on. W3C Trace Context Level 2
/// asks for at least 512 characters (§3.3.1.5); the longest legal list has
/// 16 KiB, which is more than most servers take as one header.
pub(crate) const MAX_TRACE_STATE_SENT: usize = 8_000;

/// How many lines are kept of a header that is captured.
pub(crate) const MAX_LINES: usize = 32;

/// Bytes of `baggage` that are read, all lines together (W3C Baggage, §3.3.2).
pub(crate) const MAX_BAGGAGE: usize = 8_192;

/// Bytes of one header of a message that are read, all its lines together. A
/// request's head is bounded by the server; a message may have megabytes. The
/// longest legal `tracestate` has 16 KiB.
pub(crate) const MAX_MESSAGE_HEADER: usize = 32_768;

/// Elements of a list of proxies that are read, from its right end; and how many
/// proxies there can be.
pub(crate) const MAX_HOPS: usize = 32;

/// The text without control characters and at most `max` bytes long, with
/// whether it had to be cut.
pub(crate) fn field(text: &str, max: usize) -> (Cow<'_, str>, bool) {
    // Nearly every text is short and all of it printable ASCII.
    if text.len() <= max && is_printable_ascii(text) {
        return (Cow::Borrowed(text), false);
    }
    let mut kept = Cow::Borrowed(text);
    if text.chars().any(char::is_control) {
        kept = Cow::Owned(text.chars().filter(|c| !c.is_control()).collect());
    }
    if kept.len() <= max {
        return (kept, false);
    }
    let end = (0..=max)
        .rev()
        .find(|&end| kept.is_char_boundary(end))
        .unwrap_or(0);
    match &mut kept {
        Cow::Borrowed(text) => *text = &text[..end],
        Cow::Owned(text) => text.truncate(end),
    }
    (kept, true)
}

/// Looks at eight bytes at a time: these texts are too short for more.
fn is_printable_ascii(text: &str) -> bool {
    let mut found = 0;
    let mut rest = text.as_bytes();
    while let Some((word, after)) = rest.split_first_chunk() {
        found |= not_printable(*word);
        rest = after;
    }
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    found | not_printable(last) == 0
}

/// Zero if all eight bytes are `' '..='~'`.
const fn not_printable(bytes: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(bytes);
    const EACH: u64 = u64::MAX / 255;
    const HIGH: u64 = EACH * 0x80;
    // The first byte below a space borrows from its own high bit; `DEL` and one make it.
    let below = word.wrapping_sub(EACH * 0x20);
    let above = word.wrapping_add(EACH);
    (word | below | above) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn printable_is_what_each_byte_is(text in "[\\x00-\\u{ff}]{0,3}[ -~]{0,30}[\\x00-\\u{ff}]{0,3}[ -~]{0,9}") {
            let each = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            proptest::prop_assert_eq!(is_printable_ascii(&text), each);
        }
    }

    #[test]
    fn each_byte_is_looked_at_in_each_place() {
        for (place, byte) in (0..24).flat_map(|place| (0..0x80_u8).map(move |it| (place, it))) {
            let mut bytes = [b'x'; 24];
            bytes[place] = byte;
            let text = std::str::from_utf8(&bytes).unwrap();
            let printable = matches!(byte, b' '..=b'~');
            assert_eq!(is_printable_ascii(text), printable, "{place} {byte:#x}");
        }
    }

    #[test]
    fn fields_are_cut_at_a_character_and_cleaned() {
        let table: [(&str, usize, &str, bool); 6] = [
            ("short", 8, "short", false),
            ("exactly8", 8, "exactly8", false),
            ("longer than 8", 8, "longer t", true),
            ("\u{e9}\u{e9}\u{e9}", 3, "\u{e9}", true),
            ("a\r\nb\u{7f}c", 8, "abc", false),
            ("\0\0\0\0", 2, "", false),
        ];
        for (text, max, kept, cut) in table {
            assert_eq!(field(text, max), (Cow::Borrowed(kept), cut), "{text:?}");
        }
    }
}
