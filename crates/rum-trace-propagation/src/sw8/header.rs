use std::fmt;
use std::ops::Range;

use base64::Engine;

use super::encode::Sw8Parts;
use super::{BASE64, latin1, otel_span_id, otel_trace_id};
use crate::error::{parse_error, parts};
use crate::text::{self, offset_in, trim_ows};
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
        let mut texts = Texts::with_room_for(value);
        texts
            .id(trace_id)
            .map_err(|e| Sw8Error::new(Sw8Part::TraceId, at(trace_id), e))?;
        texts
            .id(segment_id)
            .map_err(|e| Sw8Error::new(Sw8Part::SegmentId, at(segment_id), e))?;
        texts
            .name(service)
            .map_err(|e| Sw8Error::new(Sw8Part::Service, at(service), e))?;
        texts
            .name(instance)
            .map_err(|e| Sw8Error::new(Sw8Part::Instance, at(instance), e))?;
        texts
            .name(endpoint)
            .map_err(|e| Sw8Error::new(Sw8Part::Endpoint, at(endpoint), e))?;
        texts
            .name(peer)
            .map_err(|e| Sw8Error::new(Sw8Part::Peer, at(peer), e))?;
        Ok(Sw8 {
            sampled,
            span_id,
            ends: texts.ends,
            text: texts.into_text(),
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
        let (name, hex) = service.split_once('@')?;
        let named =
            !name.is_empty() && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
        let numbered =
            !hex.is_empty() && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (named && numbered).then_some(service)
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

impl fmt::Debug for Sw8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.parts(), f)
    }
}

/// The eight parts, each without white space round it.
fn split(value: &[u8]) -> Result<[&[u8]; PARTS], Sw8Error> {
    let mut parts: [&[u8]; PARTS] = [&[]; PARTS];
    let mut found = text::split(value, b'-').map(trim_ows);
    for part in &mut parts {
        *part = found.next().ok_or(Sw8Error::new(
            Sw8Part::Count,
            value.len(),
            "eight parts, with a dash between them",
        ))?;
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

/// The decoded texts, in one buffer, each of them UTF-8.
struct Texts {
    bytes: Vec<u8>,
    ends: [usize; 6],
    count: usize,
}

impl Texts {
    /// Base64 is a third longer than what it decodes to; the decoder asks for
    /// up to two bytes more. Latin-1 may need two bytes for one, and then the
    /// buffer grows.
    fn with_room_for(value: &[u8]) -> Self {
        let room = (value.len().saturating_mul(3) / 4).saturating_add(3);
        Texts {
            bytes: Vec::with_capacity(room),
            ends: [0; 6],
            count: 0,
        }
    }

    fn id(&mut self, part: &[u8]) -> Result<(), &'static str> {
        let begin = self.decode(part)?;
        match self.utf8_from(begin) {
            Ok("") | Err(_) => Err("an id, UTF-8 text in base64"),
            Ok(_) => {
                self.close();
                Ok(())
            }
        }
    }

    fn name(&mut self, part: &[u8]) -> Result<(), &'static str> {
        let begin = self.decode(part)?;
        if let Err(bytes) = self.utf8_from(begin) {
            let name = latin1(bytes);
            self.bytes.truncate(begin);
            self.bytes.extend_from_slice(name.as_bytes());
        }
        self.close();
        Ok(())
    }

    /// Appends a decoded part; where it begins.
    fn decode(&mut self, part: &[u8]) -> Result<usize, &'static str> {
        let begin = self.bytes.len();
        let decoded = BASE64.decode_vec(part, &mut self.bytes);
        decoded.map(|()| begin).map_err(|_| BASE64_TEXT)
    }

    /// The text from there on, or its bytes if they are no UTF-8.
    fn utf8_from(&self, begin: usize) -> Result<&str, &[u8]> {
        let bytes = self.bytes.get(begin..).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| bytes)
    }

    fn close(&mut self) {
        if let Some(end) = self.ends.get_mut(self.count) {
            *end = self.bytes.len();
        }
        self.count = self.count.saturating_add(1);
    }

    /// Joined, they are UTF-8 as each of them is.
    fn into_text(self) -> String {
        String::from_utf8(self.bytes).unwrap_or_default()
    }
}
