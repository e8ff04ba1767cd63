//! `baggage`, by W3C Baggage, §3.3.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use crate::error::{parse_error, parts};
use crate::text::{offset_in, split_at_bytes, split_once, trim_ows};

/// How many entries and bytes a platform has to carry on (§3.3.2): more may be lost
/// on the way, so that more is not sent.
pub const MAX_ENTRIES: usize = 64;
/// See [`MAX_ENTRIES`].
pub const MAX_LEN: usize = 8_192;

/// What is no `baggage-octet` (§3.3.1.3), and the percent sign itself.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b',')
    .add(b';')
    .add(b'\\');

parts! {
    /// The parts of a baggage entry.
    BaggagePart {
        /// The key, a token.
        Key => "key",
        /// The value, percent-encoded.
        Value => "value",
        /// The properties behind the value.
        Properties => "properties",
        /// The entry as a whole.
        Member => "list-member",
    }
}

parse_error! {
    /// Why a baggage entry is invalid.
    BaggageError, BaggagePart, "baggage"
}

/// One entry of a `baggage` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaggageEntry<'a> {
    key: &'a str,
    value: Cow<'a, str>,
    properties: &'a str,
}

impl<'a> BaggageEntry<'a> {
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &'a str {
        self.key
    }

    /// The value, percent-decoded; what is not UTF-8 in it is replaced by U+FFFD.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value, borrowed from the header where it can be.
    #[must_use]
    pub fn into_value(self) -> Cow<'a, str> {
        self.value
    }

    /// The properties as they came: what stands behind the first `;`.
    #[must_use]
    pub const fn properties(&self) -> &'a str {
        self.properties
    }
}

/// The entries of one line, in order. Empty members are passed over; an entry
/// that is invalid is an error of its own, and the next one follows.
///
/// ```
/// use rum_trace_propagation::baggage::entries;
///
/// let entries: Vec<_> = entries(b"tenant=caf%C3%A9;ttl=1, =x, pid=demo").collect();
/// assert_eq!(entries[0].as_ref().unwrap().value(), "caf\u{e9}");
/// assert!(entries[1].is_err());
/// assert_eq!(entries[2].as_ref().unwrap().key(), "pid");
/// ```
pub fn entries(field: &[u8]) -> impl Iterator<Item = Result<BaggageEntry<'_>, BaggageError>> {
    split_at_bytes(field, b',')
        .map(|(_, member)| trim_ows(member))
        .filter(|member| !member.is_empty())
        .map(move |member| entry(field, member))
}

/// The header value for these entries, each a key, a value as text, and the
/// properties as they came. An entry whose key is no token is left out, and so is
/// what does not fit into [`MAX_ENTRIES`] and [`MAX_LEN`]; none is cut in two.
///
/// ```
/// use rum_trace_propagation::baggage::compose;
///
/// let header = compose([("tenant", "caf\u{e9}, x", "ttl=1"), ("no token", "1", "")]);
/// assert_eq!(header, "tenant=caf%C3%A9%2C%20x;ttl=1");
/// ```
pub fn compose<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let mut header = String::new();
    let legal = entries
        .into_iter()
        .filter(|(key, ..)| is_token(key.as_bytes()));
    for entry in legal.take(MAX_ENTRIES) {
        let before = header.len();
        if before > 0 {
            header.push(',');
        }
        write(&mut header, entry);
        if header.len() > MAX_LEN {
            header.truncate(before);
        }
    }
    header
}

fn write(header: &mut String, (key, value, properties): (&str, &str, &str)) {
    header.extend([key, "="]);
    header.extend(utf8_percent_encode(value, ESCAPED));
    if is_header_text(properties) {
        header.extend([";", properties]);
    }
}

/// Properties that can be sent as they came: nothing in them ends the entry.
fn is_header_text(properties: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'\t' | b' '..=b'~') && byte != b',';
    !properties.is_empty() && properties.bytes().all(fits)
}

/// A token (RFC 9110, §5.6.2).
fn is_token(key: &[u8]) -> bool {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !key.is_empty() && key.iter().all(token)
}

/// Whether a key is one of those in which the web SDK sends its RUM fields.
#[must_use]
pub fn is_rum_key(key: &str) -> bool {
    matches!(key, "rum" | "appType" | "pid" | "sid" | "uid")
}

fn entry<'a>(field: &'a [u8], member: &'a [u8]) -> Result<BaggageEntry<'a>, BaggageError> {
    use BaggagePart as Part;
    let error = |part, at: &[u8], expected| BaggageError::new(part, offset_in(field, at), expected);
    let (pair, properties) = split_once(member, b';').unwrap_or((member, &[]));
    let Some((key, value)) = split_once(pair, b'=') else {
        return Err(error(Part::Member, member, "key=value"));
    };
    let (key, value, properties) = (trim_ows(key), trim_ows(value), trim_ows(properties));
    if !is_token(key) {
        return Err(error(
            Part::Key,
            member,
            "a token (RFC 9110, section 5.6.2)",
        ));
    }
    let key = std::str::from_utf8(key);
    let key = key.map_err(|_| error(Part::Key, member, "a token (RFC 9110, section 5.6.2)"))?;
    let properties = std::str::from_utf8(properties)
        .map_err(|_| error(Part::Properties, properties, "ASCII"))?;
    // The SDK writes its values as they are: no value is refused.
    let value = percent_decode(value).decode_utf8_lossy();
    Ok(BaggageEntry {
        key,
        value,
        properties,
    })
}
