//! An explanation as one line of JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::explain::Explanation;
use crate::terminal::escape::is_hidden;

/// Writes one object and a line end.
pub(crate) fn write(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let mut line = Vec::new();
    explanation.serialize(&mut Serializer::with_formatter(&mut line, Visible))?;
    line.push(b'\n');
    out.write_all(&line)
}

/// Compact JSON in which every character is visible. JSON itself lets control
/// characters from U+007F on, text direction marks and U+2028 through, which a
/// terminal would obey and some readers take for the end of a line.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            let (plain, hidden) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = hidden.split_at(c.len_utf8()).1;
        }
        out.write_all(rest.as_bytes())
    }
}
