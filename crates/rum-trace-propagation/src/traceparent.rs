//! `traceparent`, by W3C Trace Context Level 2, §3.2.

use std::fmt;
use std::str::FromStr;

use crate::error::{parse_error, parts};
use crate::hex::{self, Case};
use crate::text::{offset_in, trim_ows};
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
        let text = trim_ows(value);
        Self::parse_trimmed(text).map_err(|error| TraceParentError {
            at: error.at.saturating_add(offset_in(value, text)),
            ..error
        })
    }

    fn parse_trimmed(text: &[u8]) -> Result<Self, TraceParentError> {
        use TraceParentPart as Part;
        let mut fields = Fields { text, at: 0 };
        let [version] = fields.take(Part::Version, "two lowercase hex digits, not ff")?;
        if version == 0xff {
            return Err(TraceParentError::new(
                Part::Version,
                0,
                "two lowercase hex digits, not ff",
            ));
        }
        let trace_id = fields.take_id(
            Part::TraceId,
            TraceId::from_bytes,
            "32 lowercase hex digits, not all zero",
        )?;
        let parent_id = fields.take_id(
            Part::ParentId,
            SpanId::from_bytes,
            "16 lowercase hex digits, not all zero",
        )?;
        let [flags] = fields.take(Part::TraceFlags, "two lowercase hex digits")?;
        match text.get(LENGTH) {
            None => {}
            // §3.2.4: a later version may go on, behind a dash.
            Some(b'-') if version > 0 => {}
            Some(_) if version > 0 => {
                return Err(TraceParentError::new(
                    Part::End,
                    LENGTH,
                    "the end, or a dash",
                ));
            }
            Some(_) => {
                return Err(TraceParentError::new(
                    Part::End,
                    LENGTH,
                    "the end of version 00",
                ));
            }
        }
        Ok(TraceParent {
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

/// The fields, each but the first behind a dash.
struct Fields<'a> {
    text: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    fn take<const N: usize>(
        &mut self,
        part: TraceParentPart,
        expected: &'static str,
    ) -> Result<[u8; N], TraceParentError> {
        let error = TraceParentError::new(part, self.at, expected);
        let end = self.at.saturating_add(N.saturating_mul(2));
        let digits = self.text.get(self.at..end).ok_or(error)?;
        let bytes = hex::decode(digits, Case::Lower).ok_or(error)?;
        // What follows the flags is the caller's to judge.
        if end < LENGTH && self.text.get(end) != Some(&b'-') {
            return Err(error);
        }
        self.at = end.saturating_add(1);
        Ok(bytes)
    }

    fn take_id<const N: usize, T>(
        &mut self,
        part: TraceParentPart,
        from_bytes: impl FnOnce([u8; N]) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, TraceParentError> {
        let at = self.at;
        let bytes = self.take(part, expected)?;
        from_bytes(bytes).ok_or(TraceParentError::new(part, at, expected))
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex::as_str(&self.encode()))
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
