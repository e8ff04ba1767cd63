//! Nothing that came in reaches a terminal as it is: a header may hold escape
//! sequences, text that runs backwards, or no text at all.

use std::fmt::Write as _;

/// Whether a character must not be shown as it is: control and format
/// characters, line separators, what no font shows.
pub(crate) fn is_hidden(c: char) -> bool {
    // `escape_debug` knows Unicode's tables. Of ASCII it escapes quotes and
    // backslashes too, which are visible.
    !matches!(c, ' '..='~') && c.escape_debug().len() > 1
}

/// Text for a terminal. Backslashes are doubled, so that what was escaped can be
/// told from what was sent; bytes that are not UTF-8 stand as `\xNN`.
pub(crate) fn for_terminal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' || is_hidden(c) {
                text.extend(c.escape_debug());
            } else {
                text.push(c);
            }
        }
        hex(&mut text, chunk.invalid());
    }
    text
}

/// Text for JSON, which has its own escapes for the rest: only bytes that are
/// not UTF-8 stand as `\xNN`. Valid text is given as it is.
pub(crate) fn for_json(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        hex(&mut text, chunk.invalid());
    }
    text
}

fn hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String does not fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        for (bytes, shown) in [
            (&b"plain 'text' \"&=@/"[..], "plain 'text' \"&=@/"),
            (b"\x1b[31mred\x07", r"\u{1b}[31mred\u{7}"),
            (b"a\tb\rc\nd\0", r"a\tb\rc\nd\0"),
            (b"back\\slash", r"back\\slash"),
            (b"\xff\xc3(", r"\xff\xc3("),
            ("张三".as_bytes(), "张三"),
            (
                "\u{9b}31m\u{202e}\u{2028}\u{7f}".as_bytes(),
                r"\u{9b}31m\u{202e}\u{2028}\u{7f}",
            ),
        ] {
            assert_eq!(for_terminal(bytes), shown);
        }
    }

    #[test]
    fn json_text_is_left_alone() {
        assert_eq!(for_json("a\\b\u{1b}张".as_bytes()), "a\\b\u{1b}张");
        assert_eq!(for_json(b"a\xfe"), r"a\xfe");
    }
}
