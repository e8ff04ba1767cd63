use std::fmt;
use std::ops::Range;

use memchr::memchr_iter;

use super::base64::decode_into;
use super::encode::Sw8Parts;
use super::{latin1, otel_span_id, otel_trace_id};
use crate::error::{parse_error, parts};
use crate::text::{offset_in, trim_ows};
use crate::{SpanId, TraceId};

parts! {
    /// The parts of an `sw8` header, by SkyWalking's names.
    Sw8Part {
        /// `0` or `1`.
        Sample => "sample",
        /// The trace id.
        TraceId => "trace ID",
        /// The caller's segment id.
        SegmentId => "parent trace segment ID",
        /// The caller's span within its segment.
        SpanId => "parent span ID",
        /// The caller's service.
        Service => "parent service",
        /// The caller's service instance.
        Instance => "parent service instance",
        /// The caller's endpoint.
        Endpoint => "parent endpoint",
        /// The address by which the caller knows this service.
        Peer => "target address",
        /// The number of parts.
        Count => "number of parts",
    }
}

parse_error! {
    /// Why an `sw8` header cannot be read.
    Sw8Error, Sw8Part, "sw8"
}

const PARTS: usize = 8;
const BASE64_TEXT: &str = "text in base64 (RFC 4648, section 4)";

/// A parsed `sw8` header: the caller's segment, and where it called from.
///
/// Read leniently: white space round a part, missing padding, empty names,
/// names in Latin-1 and further parts are all put up with. Ids are taken as
/// they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Sw8 {
    sampled: bool,
    span_id: u32,
    /// The six texts, one after another: one allocation for all of them.
    text: String,
    ends: [usize; 6],
}

impl Sw8 {
    /// Parses a header value.
    ///
    /// # Errors
    ///
    /// There are fewer than eight parts, the sample is neither `0` nor `1`,
    /// the span id is no 32-bit number from 0, a part is not base64, or an id
    /// is empty or not UTF-8.
    pub fn parse(value: &[u8]) -> Result<Self, Sw8Error> {
        let parts = split(value)?;
        let [
            sample,
            trace_id,
            segment_id,
            span_id,
            service,
            instance,
            endpoint,
            peer,
        ] = parts;
        let at = |part: &[u8]| offset_in(value, part);
        let sampled = match sample {
            b"0" => false,
            b"1" => true,
            _ => return Err(Sw8Error::new(Sw8Part::Sample, at(sample), "0 or 1")),
        };
        let span_id = parse_span_id(span_id).ok_or(Sw8Error::new(
            Sw8Part::SpanId,
            at(span_id),
            "a number from 0 to 2147483647",
        ))?;
        let coded = [trace_id, segment_id, service, instance, endpoint, peer];
        let texts = Texts::decode(coded).map_err(|(index, expected)| {
            let (part, text) = match index {
                0 => (Sw8Part::TraceId, trace_id),
                1 => (Sw8Part::SegmentId, segment_id),
                2 => (Sw8Part::Service, service),
                3 => (Sw8Part::Instance, instance),
                4 => (Sw8Part::Endpoint, endpoint),
                _ => (Sw8Part::Peer, peer),
            };
            Sw8Error::new(part, at(text), expected)
        })?;
        Ok(Sw8 {
            sampled,
            span_id,
            text: texts.text,
            ends: texts.ends,
        })
    }

    /// Whether the caller sampled the trace.
    #[must_use]
    pub const fn sampled(&self) -> bool {
        self.sampled
    }

    /// The trace id, as the caller writes it.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.nth(0)
    }

    /// The id of the caller's segment, as the caller writes it.
    #[must_use]
    pub fn segment_id(&self) -> &str {
        self.nth(1)
    }

    /// The caller's span within its segment, 0 to `i32::MAX`.
    #[must_use]
    pub const fn span_id(&self) -> u32 {
        self.span_id
    }

    /// The caller's service. The web RUM SDK writes its app id here.
    #[must_use]
    pub fn service(&self) -> &str {
        self.nth(2)
    }

    /// The caller's service instance. RUM SDKs write the app's version here.
    #[must_use]
    pub fn instance(&self) -> &str {
        self.nth(3)
    }

    /// The caller's endpoint. RUM SDKs write a view's name or a whole URL here.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.nth(4)
    }

    /// The address by which the caller knows this service; the web RUM SDK
    /// writes its page's host.
    #[must_use]
    pub fn peer(&self) -> &str {
        self.nth(5)
    }

    /// The trace id as an OpenTelemetry id, see [`otel_trace_id`].
    #[must_use]
    pub fn otel_trace_id(&self) -> TraceId {
        otel_trace_id(self.trace_id())
    }

    /// The caller's span as an OpenTelemetry id, see [`otel_span_id`].
    #[must_use]
    pub fn otel_parent_id(&self) -> SpanId {
        otel_span_id(self.segment_id(), self.span_id)
    }

    /// The RUM app's id, if the service has its form: `[a-z0-9]+@[0-9a-f]+`.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        let service = self.service();
        let name_ends = |b| !matches!(b, b'a'..=b'z' | b'0'..=b'9');
        let (name, rest) = service.split_at_checked(service.bytes().position(name_ends)?)?;
        let hex = rest.strip_prefix('@')?;
        let numbered = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (!name.is_empty() && !hex.is_empty() && numbered).then_some(service)
    }

    /// The header's parts, to be written again.
    #[must_use]
    pub fn parts(&self) -> Sw8Parts<'_> {
        Sw8Parts {
            sampled: self.sampled,
            trace_id: self.trace_id(),
            segment_id: self.segment_id(),
            span_id: self.span_id,
            service: self.service(),
            instance: self.instance(),
            endpoint: self.endpoint(),
            peer: self.peer(),
        }
    }

    fn nth(&self, index: usize) -> &str {
        let end = |index: usize| self.ends.get(index).copied();
        let begin = index.checked_sub(1).and_then(end).unwrap_or(0);
        let range: Range<usize> = begin..end(index).unwrap_or(begin);
        self.text.get(range).unwrap_or_default()
    }
}

/// Whether a header value is what a SkyWalking agent sends that does not record the
/// trace: nothing at all, as the one for Node.js does, or the parts of a header of
/// which none names a trace, a segment or a span, as the one for Python does. Such a
/// value cannot be [parsed](Sw8::parse), and there is nothing wrong with it.
///
/// ```
/// use rum_trace_propagation::sw8;
///
/// assert!(sw8::is_not_recording(b""));
/// assert!(sw8::is_not_recording(b"1-------"));
/// assert!(!sw8::is_not_recording(b"1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW4=-Lw==-cA=="));
/// ```
#[must_use]
pub fn is_not_recording(value: &[u8]) -> bool {
    let text = trim_ows(value);
    match split(text) {
        Ok([sample, trace_id, segment_id, span_id, ..]) => {
            let ids = [trace_id, segment_id, span_id];
            matches!(sample, b"" | b"0" | b"1") && ids.iter().all(|id| id.is_empty())
        }
        Err(_) => text.is_empty(),
    }
}

impl fmt::Debug for Sw8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.parts(), f)
    }
}

/// The eight parts, each without white space round it.
fn split(value: &[u8]) -> Result<[&[u8]; PARTS], Sw8Error> {
    let mut parts: [&[u8]; PARTS] = [&[]; PARTS];
    let mut begin = 0;
    // What stands behind the eighth part is ignored.
    let mut ends = memchr_iter(b'-', value).chain([value.len()]);
    for part in &mut parts {
        let end = ends.next().ok_or(Sw8Error::new(
            Sw8Part::Count,
            value.len(),
            "eight parts, with a dash between them",
        ))?;
        *part = trim_ows(value.get(begin..end).unwrap_or_default());
        begin = end.saturating_add(1);
    }
    Ok(parts)
}

fn parse_span_id(text: &[u8]) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: i32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    u32::try_from(number).ok()
}

/// The decoded texts, in one buffer, and where each of them ends.
struct Texts {
    text: String,
    ends: [usize; 6],
}

/// Which of the texts are ids; the others are names.
const IDS: usize = 2;

const ID: &str = "an id, UTF-8 text in base64";

impl Texts {
    /// Decodes the parts, or says which one cannot be read, and why.
    fn decode(parts: [&[u8]; 6]) -> Result<Self, (usize, &'static str)> {
        let room = parts
            .iter()
            .map(|part| part.len())
            .fold(0, usize::saturating_add);
        // Asking the allocator for zeros is its slow way.
        #[allow(clippy::slow_vector_initialization, reason = "measured")]
        let mut bytes = {
            let mut bytes = Vec::with_capacity(room);
            bytes.resize(room, 0);
            bytes
        };
        let (mut ends, mut end) = ([0; 6], 0_usize);
        for (index, (part, to)) in parts.into_iter().zip(&mut ends).enumerate() {
            let free = bytes.get_mut(end..).unwrap_or_default();
            let len = decode_into(part, free).ok_or((index, BASE64_TEXT))?;
            if len == 0 && index < IDS {
                return Err((index, ID));
            }
            end = end.saturating_add(len);
            *to = end;
        }
        bytes.truncate(end);
        match String::from_utf8(bytes) {
            // No character goes from one text into the next.
            Ok(text) if ends.iter().all(|end| text.is_char_boundary(*end)) => {
                Ok(Texts { text, ends })
            }
            Ok(text) => Texts::one_by_one(text.as_bytes(), ends),
            Err(error) => Texts::one_by_one(error.as_bytes(), ends),
        }
    }

    /// The same where one of them is not UTF-8: a name is Latin-1 then, as a
    /// browser's `btoa` has it, and an id cannot be read.
    #[cold]
    fn one_by_one(bytes: &[u8], ends: [usize; 6]) -> Result<Self, (usize, &'static str)> {
        let mut texts = Texts {
            text: String::with_capacity(bytes.len()),
            ends,
        };
        let mut begin = 0;
        for (index, (end, to)) in ends.into_iter().zip(&mut texts.ends).enumerate() {
            let part = bytes.get(begin..end).unwrap_or_default();
            match std::str::from_utf8(part) {
                Ok(part) => texts.text.push_str(part),
                Err(_) if index < IDS => return Err((index, ID)),
                Err(_) => texts.text.push_str(&latin1(part)),
            }
            begin = end;
            *to = texts.text.len();
        }
        Ok(texts)
    }
}
