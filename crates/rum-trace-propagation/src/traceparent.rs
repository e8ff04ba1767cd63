//! `traceparent`, by W3C Trace Context Level 2, §3.2.

use std::fmt;
use std::str::FromStr;

use crate::error::{parse_error, parts};
use crate::hex;
use crate::text::{ascii, offset_in, trim_ows};
use crate::{SpanId, TraceFlags, TraceId};

/// The length of version 00, and of the part of later versions that is known.
const LENGTH: usize = 55;

parts! {
    /// The parts of a `traceparent`.
    TraceParentPart {
        /// The version, two hex digits.
        Version => "version",
        /// The trace id, 32 hex digits.
        TraceId => "trace-id",
        /// The caller's span id, 16 hex digits.
        ParentId => "parent-id",
        /// The flags, two hex digits.
        TraceFlags => "trace-flags",
        /// What comes after the flags.
        End => "end",
    }
}

parse_error! {
    /// Why a `traceparent` is invalid.
    TraceParentError, TraceParentPart, "traceparent"
}

/// The caller's place in its trace: a parsed `traceparent`.
///
/// ```
/// use rum_trace_propagation::TraceParent;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
/// let parent: TraceParent = text.parse()?;
/// assert!(parent.flags().is_sampled() && parent.flags().is_random());
/// assert_eq!(parent.to_string(), text);
/// # Ok::<(), rum_trace_propagation::traceparent::TraceParentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: TraceId,
    parent_id: SpanId,
    flags: TraceFlags,
}

impl TraceParent {
    /// From its parts.
    #[must_use]
    pub const fn new(trace_id: TraceId, parent_id: SpanId, flags: TraceFlags) -> Self {
        TraceParent {
            trace_id,
            parent_id,
            flags,
        }
    }

    /// Parses a header value. White space round it is no part of it (RFC 9110,
    /// §5.5). A request with several `traceparent` fields has no valid one,
    /// which is for the caller to see.
    ///
    /// # Errors
    ///
    /// The value breaks a rule of Level 2, §3.2.
    pub fn parse(value: &[u8]) -> Result<Self, TraceParentError> {
        if let Some(parent) = Self::parse_valid(value) {
            return Ok(parent);
        }
        let text = trim_ows(value);
        Self::parse_valid(text).ok_or_else(|| first_error(text, offset_in(value, text)))
    }

    /// All parts at once: which one is wrong is looked for only when one is.
    #[inline]
    fn parse_valid(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_first_chunk::<LENGTH>()?;
        let version = hex::pair(known[0], known[1])?;
        let trace_id = TraceId::from_hex(&known[3..35])?;
        let parent_id = SpanId::from_hex(&known[36..52])?;
        let flags = hex::pair(known[53], known[54])?;
        let dashes = [known[2], known[35], known[52]] == *b"---";
        let ended = rest.is_empty() || (version > 0 && rest.first() == Some(&b'-'));
        if version == 0xff || !dashes || !ended {
            return None;
        }
        Some(TraceParent {
            trace_id,
            parent_id,
            flags: TraceFlags::from_bits(flags),
        })
    }

    /// The trace's id.
    #[must_use]
    pub const fn trace_id(self) -> TraceId {
        self.trace_id
    }

    /// The id of the caller's span.
    #[must_use]
    pub const fn parent_id(self) -> SpanId {
        self.parent_id
    }

    /// The flags.
    #[must_use]
    pub const fn flags(self) -> TraceFlags {
        self.flags
    }

    /// The header value, always of version 00, in ASCII.
    #[must_use]
    pub fn encode(self) -> [u8; LENGTH] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let (head, tail) = text.split_at_mut(36);
        if let Some(digits) = head.get_mut(3..35) {
            hex::encode(&self.trace_id.to_bytes(), digits);
        }
        if let Some(digits) = tail.get_mut(..16) {
            hex::encode(&self.parent_id.to_bytes(), digits);
        }
        if let Some(digits) = tail.get_mut(17..) {
            hex::encode(&[self.flags.bits()], digits);
        }
        text
    }
}

/// Where each part begins and ends, and when its digits are right.
const PARTS: [(TraceParentPart, usize, usize, fn(&[u8]) -> bool, &str); 4] = [
    (
        TraceParentPart::Version,
        0,
        2,
        |digits| two_digits(digits).is_some_and(|version| version != 0xff),
        "two lowercase hex digits, not ff",
    ),
    (
        TraceParentPart::TraceId,
        3,
        35,
        |digits| TraceId::from_hex(digits).is_some(),
        "32 lowercase hex digits, not all zero",
    ),
    (
        TraceParentPart::ParentId,
        36,
        52,
        |digits| SpanId::from_hex(digits).is_some(),
        "16 lowercase hex digits, not all zero",
    ),
    (
        TraceParentPart::TraceFlags,
        53,
        55,
        |digits| two_digits(digits).is_some(),
        "two lowercase hex digits",
    ),
];

/// What is wrong first in a value that is wrong, which begins at `offset`.
#[cold]
fn first_error(text: &[u8], offset: usize) -> TraceParentError {
    for (part, begin, end, is_right, expected) in PARTS {
        let right = text.get(begin..end).is_some_and(is_right);
        // What follows the flags is judged below.
        let closed = end == LENGTH || text.get(end) == Some(&b'-');
        if !right || !closed {
            return TraceParentError::new(part, offset.saturating_add(begin), expected);
        }
    }
    // §3.2.4: a later version may go on, behind a dash.
    let expected = if text.starts_with(b"00") {
        "the end of version 00"
    } else {
        "the end, or a dash"
    };
    TraceParentError::new(
        TraceParentPart::End,
        offset.saturating_add(LENGTH),
        expected,
    )
}

fn two_digits(digits: &[u8]) -> Option<u8> {
    match digits {
        &[high, low] => hex::pair(high, low),
        _ => None,
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ascii(&self.encode()))
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        TraceParent::parse(text.as_bytes())
    }
}

impl TryFrom<&[u8]> for TraceParent {
    type Error = TraceParentError;

    fn try_from(value: &[u8]) -> Result<Self, TraceParentError> {
        TraceParent::parse(value)
    }
}
