//! One pass over a request's headers, keeping those that matter to a trace.

use opentelemetry::propagation::Extractor;

use crate::{RequestInfo, limits};

/// The lines of one header name. A second line is rare, so that only it costs
/// an allocation.
#[derive(Debug, Default)]
pub(crate) enum Lines<'a> {
    #[default]
    None,
    One(&'a [u8]),
    Many(Vec<&'a [u8]>),
}

impl<'a> Lines<'a> {
    #[inline(always)]
    pub(crate) fn push(&mut self, line: &'a [u8]) {
        match self {
            Lines::None => *self = Lines::One(line),
            _ => self.push_further(line),
        }
    }

    #[inline(never)]
    fn push_further(&mut self, line: &'a [u8]) {
        match self {
            Lines::None => *self = Lines::One(line),
            Lines::One(first) => *self = Lines::Many(vec![*first, line]),
            Lines::Many(lines) => lines.push(line),
        }
    }

    pub(crate) fn as_slice(&self) -> &[&'a [u8]] {
        match self {
            Lines::None => &[],
            Lines::One(line) => std::slice::from_ref(line),
            Lines::Many(lines) => lines,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.as_slice().iter().copied()
    }

    pub(crate) fn first(&self) -> Option<&'a [u8]> {
        self.as_slice().first().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Lines::None)
    }
}

/// The headers that the request path reads, found in one pass: asking a header
/// map for each of these names would hash every one of them on every request.
#[derive(Debug, Default)]
pub(crate) struct TraceHeaders<'a> {
    pub(crate) traceparent: Lines<'a>,
    pub(crate) tracestate: Lines<'a>,
    pub(crate) baggage: Lines<'a>,
    pub(crate) sw8: Lines<'a>,
    pub(crate) sw8_correlation: Lines<'a>,
    pub(crate) b3: Lines<'a>,
    pub(crate) b3_trace_id: Lines<'a>,
    pub(crate) b3_span_id: Lines<'a>,
    pub(crate) b3_sampled: Lines<'a>,
    pub(crate) b3_flags: Lines<'a>,
    pub(crate) uber_trace_id: Lines<'a>,
    pub(crate) host: Lines<'a>,
    pub(crate) user_agent: Lines<'a>,
    pub(crate) content_type: Lines<'a>,
    pub(crate) content_length: Lines<'a>,
}

/// The headers of the above that carry a trace, or what goes along with one.
const CARRIED: [&str; 11] = [
    "traceparent",
    "tracestate",
    "baggage",
    "sw8",
    "sw8-correlation",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "uber-trace-id",
];

impl<'a> TraceHeaders<'a> {
    /// Those of a message, and how many were too long to be read.
    ///
    /// Asked for by name: many an [`Extractor`] has no list of its keys, or
    /// lists one for each of its lines.
    pub(crate) fn of_carrier(carrier: &'a dyn Extractor) -> (Self, u32) {
        let mut headers = TraceHeaders::default();
        let mut too_long = 0;
        for name in CARRIED {
            let lines = carrier.get_all(name).unwrap_or_default();
            let bytes: usize = lines.iter().map(|line| line.len()).sum();
            if bytes > limits::MAX_MESSAGE_HEADER {
                too_long += 1;
            } else if let Some(slot) = headers.slot(name) {
                lines.iter().for_each(|line| slot.push(line.as_bytes()));
            }
        }
        (headers, too_long)
    }

    /// There is more `baggage` than is read.
    pub(crate) fn has_too_much_baggage(&self) -> bool {
        let total: usize = self.baggage.iter().map(<[u8]>::len).sum();
        total > limits::MAX_BAGGAGE
    }

    /// Adds what a request has. In place: all of them together are large.
    pub(crate) fn collect<R: RequestInfo + ?Sized>(&mut self, request: &'a R) {
        request.for_each_header(&mut |name, value| {
            if let Some(lines) = self.slot(name) {
                lines.push(value);
            }
        });
    }

    /// Where a header of this name goes, if anywhere. The length decides
    /// first, so that most names cost a single comparison. Inlined: asked for each
    /// header of each request.
    #[inline(always)]
    fn slot(&mut self, name: &str) -> Option<&mut Lines<'a>> {
        let (found, lines) = match name.len() {
            2 => (is(name, "b3"), &mut self.b3),
            3 => (is(name, "sw8"), &mut self.sw8),
            4 => (is(name, "host"), &mut self.host),
            7 => (is(name, "baggage"), &mut self.baggage),
            10 => match name.as_bytes()[0] | 0x20 {
                b't' => (is(name, "tracestate"), &mut self.tracestate),
                b'u' => (is(name, "user-agent"), &mut self.user_agent),
                _ => (is(name, "x-b3-flags"), &mut self.b3_flags),
            },
            11 => match name.as_bytes()[0] | 0x20 {
                b't' => (is(name, "traceparent"), &mut self.traceparent),
                _ => (is(name, "x-b3-spanid"), &mut self.b3_span_id),
            },
            12 => match name.as_bytes()[5] | 0x20 {
                b'n' => (is(name, "content-type"), &mut self.content_type),
                b't' => (is(name, "x-b3-traceid"), &mut self.b3_trace_id),
                _ => (is(name, "x-b3-sampled"), &mut self.b3_sampled),
            },
            13 => (is(name, "uber-trace-id"), &mut self.uber_trace_id),
            14 => (is(name, "content-length"), &mut self.content_length),
            15 => (is(name, "sw8-correlation"), &mut self.sw8_correlation),
            _ => return None,
        };
        found.then_some(lines)
    }
}

/// The first line of a request's content type.
pub(crate) fn content_type(request: &dyn RequestInfo) -> Option<&[u8]> {
    let mut found = None;
    request.for_each_header(&mut |name, value| {
        if found.is_none() && name.eq_ignore_ascii_case("content-type") {
            found = Some(value);
        }
    });
    found
}

/// In lower case already, but for frameworks that keep it as it was sent. Inlined,
/// the first comparison is one of a few words.
#[inline(always)]
pub(crate) fn is(name: &str, wanted: &str) -> bool {
    name == wanted || is_in_other_case(name, wanted)
}

#[inline(never)]
fn is_in_other_case(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::Request;

    #[test]
    fn every_name_is_found_in_any_case_and_every_line_is_kept() {
        for name in [
            "b3",
            "sw8",
            "host",
            "baggage",
            "tracestate",
            "user-agent",
            "x-b3-flags",
            "traceparent",
            "x-b3-spanid",
            "x-b3-traceid",
            "x-b3-sampled",
            "uber-trace-id",
            "sw8-correlation",
            "content-type",
            "content-length",
        ] {
            for spelled in [name.to_owned(), name.to_ascii_uppercase()] {
                let request = Request::get("/")
                    .header(&spelled, "one")
                    .header("x-other", "no")
                    .header(&spelled, "two")
                    .header(&spelled, "three");
                let mut headers = TraceHeaders::default();
                headers.collect(&request);
                let lines = headers.slot(name).expect(name);
                assert_eq!(
                    lines.as_slice(),
                    [&b"one"[..], b"two", b"three"],
                    "{spelled}"
                );
            }
        }
    }

    #[test]
    fn other_names_are_passed_over() {
        let mut headers = TraceHeaders::default();
        for name in [
            "",
            "x",
            "b4",
            "sw9",
            "hosts",
            "tracestatf",
            "x-b3-traceix",
            "uber-trace-ix",
        ] {
            assert!(headers.slot(name).is_none(), "{name}");
        }
    }
}
