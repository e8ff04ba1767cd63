//! One element of `Forwarded`: what one proxy tells.

use std::borrow::Cow;

use super::node::{Node, is_host};
use crate::error::{parse_error, parts};
use crate::text::{offset_in, trim_ows};

parts! {
    /// The parts of an element of `Forwarded`.
    ForwardedPart {
        /// A parameter's name, a token.
        Name => "parameter",
        /// A parameter's value, a token or a quoted string.
        Value => "value",
        /// Who made the request to the proxy.
        For => "for",
        /// The host that was asked for.
        Host => "host",
        /// The protocol in which it was asked.
        Proto => "proto",
    }
}

parse_error! {
    /// Why an element of `Forwarded` is invalid.
    ForwardedError, ForwardedPart, "Forwarded"
}

/// What one proxy tells of the request as it came to it (RFC 7239, §4 and §5).
///
/// ```
/// use rum_trace_propagation::forwarded::{ForwardedElement, Node};
///
/// let element = ForwardedElement::parse(b"for=192.0.2.60;proto=http;host=shop.example")?;
/// assert_eq!(element.client(), Some(Node::Address([192, 0, 2, 60].into(), None)));
/// assert_eq!(element.host(), Some("shop.example"));
/// # Ok::<(), rum_trace_propagation::forwarded::ForwardedError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardedElement<'a> {
    client: Option<Node>,
    host: Option<Cow<'a, str>>,
    proto: Option<Cow<'a, str>>,
    has_by: bool,
}

impl<'a> ForwardedElement<'a> {
    /// Parses one element. Names are in any case; others than those of RFC 7239 are
    /// passed over. White space is allowed round `;`, too, where some proxies write
    /// it and the grammar does not.
    ///
    /// # Errors
    ///
    /// It does not have its form, one of the parameters comes twice, or its value
    /// is not what its name says.
    pub fn parse(text: &'a [u8]) -> Result<Self, ForwardedError> {
        Self::parse_in(text, text)
    }

    /// The same for a piece of a line, so that an error tells the place in the line.
    pub(super) fn parse_in(line: &'a [u8], piece: &'a [u8]) -> Result<Self, ForwardedError> {
        let mut element = ForwardedElement::default();
        let mut cursor = Cursor {
            line,
            rest: trim_ows(piece),
        };
        while !cursor.rest.is_empty() {
            if cursor.rest.first() != Some(&b';') {
                element.parameter(&mut cursor)?;
            }
            cursor.end_of_pair()?;
        }
        Ok(element)
    }

    /// Who made the request to the proxy: `for`.
    #[must_use]
    pub const fn client(&self) -> Option<Node> {
        self.client
    }

    /// The `Host` that the proxy received, `host` or `host:port`.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The protocol in which the proxy received it, as it was written: `https`.
    #[must_use]
    pub fn proto(&self) -> Option<&str> {
        self.proto.as_deref()
    }

    fn parameter(&mut self, cursor: &mut Cursor<'a>) -> Result<(), ForwardedError> {
        let name = cursor.token(ForwardedPart::Name)?;
        if cursor.rest.first() != Some(&b'=') {
            return Err(cursor.error(ForwardedPart::Name, "= behind the name"));
        }
        cursor.skip(1);
        let at = cursor.at();
        let value = cursor.value()?;
        let wrong = |part, expected| ForwardedError::new(part, at, expected);
        if name.eq_ignore_ascii_case(b"for") {
            let node = || wrong(ForwardedPart::For, "a node, once");
            let first = Some(&value).filter(|_| self.client.is_none());
            let parsed = first.and_then(|value| Node::parse(value.as_bytes()));
            self.client = Some(parsed.ok_or_else(node)?);
        } else if name.eq_ignore_ascii_case(b"host") {
            let fits = is_host(value.as_bytes()) && self.host.is_none();
            self.host = Some(value).filter(|_| fits);
            fits.then_some(())
                .ok_or_else(|| wrong(ForwardedPart::Host, "a host, once"))?;
        } else if name.eq_ignore_ascii_case(b"proto") {
            let fits = is_scheme(value.as_bytes()) && self.proto.is_none();
            self.proto = Some(value).filter(|_| fits);
            fits.then_some(())
                .ok_or_else(|| wrong(ForwardedPart::Proto, "a scheme, once"))?;
        } else if name.eq_ignore_ascii_case(b"by") && std::mem::replace(&mut self.has_by, true) {
            return Err(wrong(ForwardedPart::Name, "by only once"));
        }
        Ok(())
    }
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` (RFC 3986, §3.1)
fn is_scheme(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    text.first().is_some_and(u8::is_ascii_alphabetic) && text.iter().all(is_allowed)
}

/// What of an element is still to be read.
struct Cursor<'a> {
    line: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn at(&self) -> usize {
        offset_in(self.line, self.rest)
    }

    fn error(&self, part: ForwardedPart, expected: &'static str) -> ForwardedError {
        ForwardedError::new(part, self.at(), expected)
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// A token (RFC 9110, §5.6.2).
    fn token(&mut self, part: ForwardedPart) -> Result<&'a [u8], ForwardedError> {
        let is_allowed =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let end = self.rest.iter().position(|byte| !is_allowed(byte));
        match self.rest.split_at_checked(end.unwrap_or(self.rest.len())) {
            Some((token @ [_, ..], rest)) => {
                self.rest = rest;
                Ok(token)
            }
            _ => Err(self.error(part, "a token")),
        }
    }

    fn value(&mut self) -> Result<Cow<'a, str>, ForwardedError> {
        let at = self.at();
        let utf8 = || ForwardedError::new(ForwardedPart::Value, at, "UTF-8");
        if self.rest.first() != Some(&b'"') {
            let token = self.token(ForwardedPart::Value)?;
            return std::str::from_utf8(token)
                .map(Cow::Borrowed)
                .map_err(|_| utf8());
        }
        self.skip(1);
        let quoted = self.quoted()?;
        if !quoted.contains(&b'\\') {
            let text = std::str::from_utf8(quoted);
            return text.map(Cow::Borrowed).map_err(|_| utf8());
        }
        String::from_utf8(unescaped(quoted))
            .map(Cow::Owned)
            .map_err(|_| utf8())
    }

    /// What is between the quotes, of which the first is behind us.
    fn quoted(&mut self) -> Result<&'a [u8], ForwardedError> {
        let start = self.rest;
        loop {
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    let len = start.len().saturating_sub(rest.len()).saturating_sub(1);
                    return Ok(start.get(..len).unwrap_or_default());
                }
                [b'\\', escaped, rest @ ..] if is_text(*escaped) => self.rest = rest,
                [byte, rest @ ..] if is_text(*byte) && *byte != b'\\' => self.rest = rest,
                _ => return Err(self.error(ForwardedPart::Value, "a closing quote")),
            }
        }
    }

    /// A `;`, with white space round it, or the end.
    fn end_of_pair(&mut self) -> Result<(), ForwardedError> {
        let rest = trim_ows(self.rest);
        match rest {
            [] => self.rest = rest,
            [b';', behind @ ..] => self.rest = trim_ows(behind),
            _ => return Err(self.error(ForwardedPart::Value, "; or the end")),
        }
        Ok(())
    }
}

/// HTAB, SP, VCHAR, `obs-text` (RFC 9110, §5.6.4).
const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..=0xff)
}

fn unescaped(quoted: &[u8]) -> Vec<u8> {
    let mut bytes = quoted.iter().copied();
    let next = || match bytes.next()? {
        b'\\' => bytes.next(),
        byte => Some(byte),
    };
    std::iter::from_fn(next).collect()
}
