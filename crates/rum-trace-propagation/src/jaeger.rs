//! Jaeger's `uber-trace-id`, which the web RUM SDK can be set to send. It is
//! read only; onward goes W3C.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::error::{parse_error, parts};
use crate::hex;
use crate::text::{offset_in, trim_ows};
use crate::{SpanId, TraceId};

parts! {
    /// The parts of an `uber-trace-id`.
    UberTraceIdPart {
        /// The trace id, up to 32 hex digits.
        TraceId => "trace-id",
        /// The caller's span id, up to 16 hex digits.
        SpanId => "span-id",
        /// The parent of the caller's span, deprecated.
        ParentSpanId => "parent-span-id",
        /// The flags, up to two hex digits.
        Flags => "flags",
    }
}

parse_error! {
    /// Why an `uber-trace-id` is invalid.
    UberTraceIdError, UberTraceIdPart, "uber-trace-id"
}

/// A parsed `uber-trace-id`: `{trace-id}:{span-id}:{parent-span-id}:{flags}`.
///
/// ```
/// use rum_trace_propagation::UberTraceId;
///
/// let parent = UberTraceId::parse(b"75ad327433e444659dcb71a3cae03918:23ab3849fb2e3533:0:1")?;
/// assert_eq!(parent.parent_id().to_string(), "23ab3849fb2e3533");
/// assert!(parent.sampled());
/// # Ok::<(), rum_trace_propagation::jaeger::UberTraceIdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UberTraceId {
    trace_id: TraceId,
    parent_id: SpanId,
    flags: u8,
}

impl UberTraceId {
    /// Parses a header value. Ids may have lost their leading zeros, and the
    /// colons may be URL-encoded, as some clients send them.
    ///
    /// # Errors
    ///
    /// A part does not have its form, or is missing.
    pub fn parse(value: &[u8]) -> Result<Self, UberTraceIdError> {
        let decoded: Cow<'_, [u8]> = percent_decode(value).into();
        let value = &*decoded;
        let text = trim_ows(value);
        let mut parts = Parts {
            whole: value,
            rest: Some(text),
        };
        let trace_id = parts.next(
            UberTraceIdPart::TraceId,
            |text| short(text).and_then(TraceId::from_number),
            "1 to 32 hex digits, not all zero",
        )?;
        let parent_id = parts.next(
            UberTraceIdPart::SpanId,
            |text| short::<u64>(text).and_then(SpanId::from_number),
            "1 to 16 hex digits, not all zero",
        )?;
        parts.next(
            UberTraceIdPart::ParentSpanId,
            short::<u64>,
            "1 to 16 hex digits",
        )?;
        let flags = parts.last(UberTraceIdPart::Flags, short::<u8>, "1 or 2 hex digits")?;
        Ok(UberTraceId {
            trace_id,
            parent_id,
            flags,
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

    /// Whether the caller sampled the trace.
    #[must_use]
    pub const fn sampled(self) -> bool {
        self.flags & 0b01 != 0
    }

    /// Whether the caller asks for the trace to be recorded in any case.
    #[must_use]
    pub const fn debug(self) -> bool {
        self.flags & 0b10 != 0
    }
}

/// A number whose digits may have lost their leading zeros, but not more
/// digits than its type has.
fn short<T: TryFrom<u128>>(text: &[u8]) -> Option<T> {
    let longest = size_of::<T>().checked_mul(2)?;
    let text = Some(text).filter(|text| text.len() <= longest)?;
    T::try_from(hex::decode_short(text)?).ok()
}

/// The parts, with a colon between them.
struct Parts<'a> {
    whole: &'a [u8],
    rest: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn next<T>(
        &mut self,
        part: UberTraceIdPart,
        parse: impl FnOnce(&'a [u8]) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, UberTraceIdError> {
        let missing = UberTraceIdError::new(part, self.whole.len(), expected);
        let rest = self.rest.ok_or(missing)?;
        let (text, rest) = match rest.iter().position(|byte| *byte == b':') {
            Some(colon) => (
                rest.get(..colon).unwrap_or_default(),
                rest.get(colon.saturating_add(1)..),
            ),
            None => (rest, None),
        };
        self.rest = rest;
        let at = offset_in(self.whole, text);
        parse(text).ok_or(UberTraceIdError::new(part, at, expected))
    }

    /// The same for the part behind which nothing may follow.
    fn last<T>(
        &mut self,
        part: UberTraceIdPart,
        parse: impl FnOnce(&'a [u8]) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, UberTraceIdError> {
        let value = self.next(part, parse, expected)?;
        match self.rest {
            None => Ok(value),
            Some(rest) => Err(UberTraceIdError::new(
                part,
                offset_in(self.whole, rest),
                "the end",
            )),
        }
    }
}
