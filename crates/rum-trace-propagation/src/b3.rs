//! Zipkin's `b3` and `x-b3-*`, which the web RUM SDK can be set to send. They
//! are read only; onward goes W3C.

use crate::error::{parse_error, parts};
use crate::hex;
use crate::text::{offset_in, trim_ows};
use crate::{SpanId, TraceId};

parts! {
    /// The parts of a B3 context.
    B3Part {
        /// The trace id, 16 or 32 hex digits; `x-b3-traceid`.
        TraceId => "trace id",
        /// The caller's span id, 16 hex digits; `x-b3-spanid`.
        SpanId => "span id",
        /// The sampling state; `x-b3-sampled`.
        Sampled => "sampling state",
        /// The parent of the caller's span; only in the single header.
        ParentSpanId => "parent span id",
    }
}

parse_error! {
    /// Why a B3 context is invalid.
    B3Error, B3Part, "b3"
}

/// What B3 says about sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sampling {
    /// `1`: the caller records the trace.
    Accept,
    /// `0`: it does not.
    Deny,
    /// `d`, or flags `1`: it does, and insists.
    Debug,
    /// Nothing said: the receiver decides.
    Defer,
}

/// A parsed B3 context, of either kind.
///
/// ```
/// use rum_trace_propagation::B3;
///
/// let b3 = B3::parse_single(b"80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1")?;
/// let (trace_id, span_id) = b3.context().unwrap();
/// assert_eq!(trace_id.to_string(), "80f198ee56343ba864fe8b2a57d3eff7");
/// assert_eq!(span_id.to_string(), "e457b5a2e4d86bd1");
/// # Ok::<(), rum_trace_propagation::b3::B3Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct B3 {
    context: Option<(TraceId, SpanId)>,
    sampling: Sampling,
}

/// The several headers. Absent ones are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct B3Headers<'a> {
    /// `x-b3-traceid`
    pub trace_id: Option<&'a [u8]>,
    /// `x-b3-spanid`
    pub span_id: Option<&'a [u8]>,
    /// `x-b3-sampled`
    pub sampled: Option<&'a [u8]>,
    /// `x-b3-flags`
    pub flags: Option<&'a [u8]>,
}

const TRACE_ID: &str = "16 or 32 hex digits, not all zero";
const SPAN_ID: &str = "16 hex digits, not all zero";

impl B3 {
    /// Parses the single header: `{traceId}-{spanId}[-{state}[-{parentSpanId}]]`,
    /// or a sampling state alone.
    ///
    /// # Errors
    ///
    /// A part does not have its form, or is missing.
    pub fn parse_single(value: &[u8]) -> Result<Self, B3Error> {
        let text = trim_ows(value);
        if !text.contains(&b'-') {
            if let Some(sampling) = sampling(text) {
                return Ok(B3 {
                    context: None,
                    sampling,
                });
            }
        }
        let at = |part: &[u8]| offset_in(value, part);
        let end = offset_in(value, text).saturating_add(text.len());
        let mut parts = text.splitn(4, |byte| *byte == b'-');
        let part = parts.next().unwrap_or_default();
        let trace_id = trace_id(part).ok_or(B3Error::new(B3Part::TraceId, at(part), TRACE_ID))?;
        let part = parts
            .next()
            .ok_or(B3Error::new(B3Part::SpanId, end, SPAN_ID))?;
        let span_id = span_id(part).ok_or(B3Error::new(B3Part::SpanId, at(part), SPAN_ID))?;
        let sampling = match parts.next() {
            None => Sampling::Defer,
            Some(part) => sampling(part).ok_or(B3Error::new(
                B3Part::Sampled,
                at(part),
                "0, 1, d, true or false",
            ))?,
        };
        if let Some(part) = parts.next() {
            // It names nothing that we need, but must be an id all the same.
            if sixteen_digits(part).is_none() {
                return Err(B3Error::new(
                    B3Part::ParentSpanId,
                    at(part),
                    "16 hex digits",
                ));
            }
        }
        Ok(B3 {
            context: Some((trace_id, span_id)),
            sampling,
        })
    }

    /// Parses the several headers. An error's byte counts in the header that
    /// its part names.
    ///
    /// # Errors
    ///
    /// A header does not have its form, or one of the two ids is missing.
    pub fn parse_multi(headers: B3Headers<'_>) -> Result<Self, B3Error> {
        let sampling = multi_sampling(&headers)?;
        if headers.trace_id.is_none() && headers.span_id.is_none() {
            return Ok(B3 {
                context: None,
                sampling,
            });
        }
        let text = trim_ows(headers.trace_id.unwrap_or_default());
        let trace_id = trace_id(text).ok_or(B3Error::new(B3Part::TraceId, 0, TRACE_ID))?;
        let text = trim_ows(headers.span_id.unwrap_or_default());
        let span_id = span_id(text).ok_or(B3Error::new(B3Part::SpanId, 0, SPAN_ID))?;
        Ok(B3 {
            context: Some((trace_id, span_id)),
            sampling,
        })
    }

    /// The trace and the caller's span; none if there is only a sampling state.
    #[must_use]
    pub const fn context(&self) -> Option<(TraceId, SpanId)> {
        self.context
    }

    /// The sampling state.
    #[must_use]
    pub const fn sampling(&self) -> Sampling {
        self.sampling
    }
}

fn multi_sampling(headers: &B3Headers<'_>) -> Result<Sampling, B3Error> {
    // Flags other than 1 mean nothing, and are no reason to lose the parent.
    if headers.flags.map(trim_ows) == Some(b"1") {
        return Ok(Sampling::Debug);
    }
    match headers.sampled.map(trim_ows) {
        None => Ok(Sampling::Defer),
        Some(text) => {
            sampling(text).ok_or(B3Error::new(B3Part::Sampled, 0, "0, 1, d, true or false"))
        }
    }
}

fn sampling(text: &[u8]) -> Option<Sampling> {
    match text {
        b"1" | b"true" => Some(Sampling::Accept),
        b"0" | b"false" => Some(Sampling::Deny),
        b"d" => Some(Sampling::Debug),
        _ => None,
    }
}

/// A short id is the low half of a long one.
fn trace_id(text: &[u8]) -> Option<TraceId> {
    match text.len() {
        16 | 32 => hex::decode_short(text).and_then(TraceId::from_number),
        _ => None,
    }
}

fn span_id(text: &[u8]) -> Option<SpanId> {
    sixteen_digits(text).and_then(SpanId::from_number)
}

fn sixteen_digits(text: &[u8]) -> Option<u64> {
    let text = Some(text).filter(|text| text.len() == 16)?;
    u64::try_from(hex::decode_short(text)?).ok()
}
