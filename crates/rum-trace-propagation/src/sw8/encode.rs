use super::base64::encode_to;

/// The length that an `sw8` header stays below, SkyWalking's default limit.
pub const MAX_LEN: usize = 2048;

/// The parts of an `sw8` header, to be written.
///
/// ```
/// use rum_trace_propagation::sw8::{Sw8, Sw8Parts};
///
/// let parts = Sw8Parts {
///     sampled: true,
///     trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
///     segment_id: "4bf92f3577b34da64b09489f7c1a4f11",
///     span_id: 0,
///     service: "checkout",
///     instance: "checkout-1",
///     endpoint: "/pay",
///     peer: "stock.internal:8080",
/// };
/// let header = parts.encode();
/// assert_eq!(Sw8::parse(header.as_bytes())?.parts(), parts);
/// # Ok::<(), rum_trace_propagation::sw8::Sw8Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sw8Parts<'a> {
    /// Whether the trace is sampled.
    pub sampled: bool,
    /// The trace id.
    pub trace_id: &'a str,
    /// This service's segment id.
    pub segment_id: &'a str,
    /// The span within the segment; one above `i32::MAX` is written as 0.
    pub span_id: u32,
    /// This service.
    pub service: &'a str,
    /// This service instance.
    pub instance: &'a str,
    /// The endpoint that makes the call.
    pub endpoint: &'a str,
    /// The address that is called.
    pub peer: &'a str,
}

impl Sw8Parts<'_> {
    /// The header value, strictly: eight parts in padded base64, none of the
    /// names empty, below [`MAX_LEN`] in all. What is too long loses the
    /// endpoint's query, then the ends of endpoint, peer, instance and service.
    /// Ids are never cut: with some 1,400 bytes of them there is no room left, and
    /// the value is longer.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut parts = Sw8Parts {
            service: or(self.service, "unknown"),
            instance: or(self.instance, "unknown"),
            endpoint: or(self.endpoint, "/"),
            peer: or(self.peer, "0.0.0.0"),
            ..*self
        };
        parts.shorten();
        parts.write()
    }

    fn shorten(&mut self) {
        if self.excess() > 0 {
            let path = self.endpoint.split('?').next().unwrap_or_default();
            self.endpoint = or(path, "/");
        }
        let cuts: [fn(&mut Self); 4] = [
            |parts| parts.endpoint = cut(parts.endpoint, parts.excess()),
            |parts| parts.peer = cut(parts.peer, parts.excess()),
            |parts| parts.instance = cut(parts.instance, parts.excess()),
            |parts| parts.service = cut(parts.service, parts.excess()),
        ];
        for cut in cuts {
            if self.excess() > 0 {
                cut(self);
            }
        }
    }

    /// By how many bytes the value is too long.
    fn excess(&self) -> usize {
        self.len().saturating_sub(MAX_LEN.saturating_sub(1))
    }

    /// The value's length: base64 writes four bytes for three begun.
    fn len(&self) -> usize {
        let texts = [
            self.trace_id,
            self.segment_id,
            self.service,
            self.instance,
            self.endpoint,
            self.peer,
        ];
        let base64 = texts.map(|text| text.len().div_ceil(3).saturating_mul(4));
        let digits = self.written_span_id().checked_ilog10().map_or(1, |log| {
            usize::try_from(log).unwrap_or_default().saturating_add(1)
        });
        // The sample and the seven dashes are the other eight.
        let rest = digits.saturating_add(8);
        base64.into_iter().fold(rest, usize::saturating_add)
    }

    fn write(&self) -> String {
        let mut header = String::with_capacity(self.len());
        header.push(if self.sampled { '1' } else { '0' });
        let base64 = |header: &mut String, text: &str| {
            header.push('-');
            encode_to(text, header);
        };
        base64(&mut header, self.trace_id);
        base64(&mut header, self.segment_id);
        header.push('-');
        header.push_str(&self.written_span_id().to_string());
        for name in [self.service, self.instance, self.endpoint, self.peer] {
            base64(&mut header, name);
        }
        header
    }

    /// Agents hold it in an `i32`.
    fn written_span_id(&self) -> i32 {
        i32::try_from(self.span_id).unwrap_or(0)
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// The text without its end, so that its base64 is shorter by at least
/// `excess`; at least its first character stays.
fn cut(text: &str, excess: usize) -> &str {
    // Three bytes of text are four of base64; one group more for the padding.
    let groups = excess.div_ceil(4).saturating_add(1);
    let keep = text.len().saturating_sub(groups.saturating_mul(3));
    let first = text.chars().next().map_or(0, char::len_utf8);
    let end = (first..=keep)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(first);
    text.get(..end).unwrap_or(text)
}
