//! `Forwarded` (RFC 7239), and the nodes of `X-Forwarded-For`. Read only.
//!
//! Each proxy adds an element at the right end of the list, so that what stands
//! further left was told by somebody further away, and the leftmost by whoever
//! sent the request. The list is therefore read from the right, and nothing that
//! stands to the left of an element changes how it is read: a client cannot break
//! what a proxy has written behind it.
//!
//! These parsers say what is written. Whom to believe is for the caller to decide.

mod element;
mod node;

pub use element::{ForwardedElement, ForwardedError, ForwardedPart};
pub use node::{Node, is_host};

use crate::text::trim_ows;

/// The elements of one line of `Forwarded`, from the right to the left. Empty ones
/// are passed over (RFC 9110, §5.6.1.2).
///
/// ```
/// use rum_trace_propagation::forwarded::from_right;
///
/// let line = br#"for=forged", for="[2001:db8::17]:4711";proto=https"#;
/// let mut elements = from_right(line);
/// let by_the_proxy = elements.next().unwrap()?;
/// assert_eq!(by_the_proxy.proto(), Some("https"));
/// assert!(elements.next().unwrap().is_err()); // by the client
/// # Ok::<(), rum_trace_propagation::forwarded::ForwardedError>(())
/// ```
pub fn from_right(
    line: &[u8],
) -> impl Iterator<Item = Result<ForwardedElement<'_>, ForwardedError>> {
    pieces_from_right(line, last_comma_outside_quotes)
        .map(move |piece| ForwardedElement::parse_in(line, piece))
}

/// The entries of one line of `X-Forwarded-For`, `X-Forwarded-Proto` or
/// `X-Forwarded-Host`, from the right to the left, without the white space round
/// them. No specification tells what they may hold.
///
/// ```
/// use rum_trace_propagation::forwarded::entries_from_right;
///
/// let entries: Vec<_> = entries_from_right(b"203.0.113.9, , 10.0.0.1").collect();
/// assert_eq!(entries, [&b"10.0.0.1"[..], b"203.0.113.9"]);
/// ```
pub fn entries_from_right(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    pieces_from_right(line, |rest| rest.iter().rposition(|byte| *byte == b','))
}

/// The pieces between commas that are not empty.
fn pieces_from_right(
    line: &[u8],
    last_comma: fn(&[u8]) -> Option<usize>,
) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    let pieces = std::iter::from_fn(move || {
        let text = rest?;
        let (left, piece) = match last_comma(text) {
            Some(at) => (text.get(..at), text.get(at.saturating_add(1)..)?),
            None => (None, text),
        };
        rest = left;
        Some(trim_ows(piece))
    });
    pieces.filter(|piece| !piece.is_empty())
}

/// From the right a quoted string begins with its closing quote, and ends with the
/// first one that no backslash escapes.
fn last_comma_outside_quotes(text: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut rest = text;
    while let [before @ .., byte] = rest {
        match byte {
            b'"' if !quoted => quoted = true,
            b'"' => quoted = ends_in_escape(before),
            b',' if !quoted => return Some(before.len()),
            _ => {}
        }
        rest = before;
    }
    None
}

/// Whether what follows is escaped: each pair of backslashes is one that is escaped
/// itself.
fn ends_in_escape(text: &[u8]) -> bool {
    let backslashes = text.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}
