use base64::Engine;
use base64::display::Base64Display;

use super::BASE64;

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
        self.write().len().saturating_sub(MAX_LEN.saturating_sub(1))
    }

    fn write(&self) -> String {
        let base64 = |text| Base64Display::new(str::as_bytes(text), &BASE64);
        let span_id = i32::try_from(self.span_id).unwrap_or(0);
        format!(
            "{}-{}-{}-{span_id}-{}-{}-{}-{}",
            u8::from(self.sampled),
            base64(self.trace_id),
            base64(self.segment_id),
            base64(self.service),
            base64(self.instance),
            base64(self.endpoint),
            base64(self.peer),
        )
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

/// One word of `sw8-correlation`.
pub(super) fn word(text: &str) -> String {
    BASE64.encode(text)
}
