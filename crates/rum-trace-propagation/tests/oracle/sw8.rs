//! `sw8`: SkyWalking Cross Process Propagation Headers, v3, read leniently.

use super::{all_of, base64, latin1, trim};

/// The decoded fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) sampled: bool,
    pub(crate) trace_id: String,
    pub(crate) segment_id: String,
    pub(crate) span_id: u32,
    pub(crate) service: String,
    pub(crate) instance: String,
    pub(crate) endpoint: String,
    pub(crate) peer: String,
}

/// A value's fields, or nothing.
pub(crate) fn parse(value: &[u8]) -> Option<Header> {
    let text = latin1(value);
    let parts: Vec<&str> = trim(&text).split('-').map(trim).collect();
    if parts.len() < 8 {
        return None;
    }
    Some(Header {
        sampled: match parts[0] {
            "1" => true,
            "0" => false,
            _ => return None,
        },
        trace_id: id(parts[1])?,
        segment_id: id(parts[2])?,
        span_id: span_id(parts[3])?,
        service: name(parts[4])?,
        instance: name(parts[5])?,
        endpoint: name(parts[6])?,
        peer: name(parts[7])?,
    })
}

fn id(part: &str) -> Option<String> {
    let text = String::from_utf8(base64::decode(part)?).ok()?;
    (!text.is_empty()).then_some(text)
}

/// Names come from `btoa` too, which writes a byte for each Latin-1 character.
fn name(part: &str) -> Option<String> {
    let bytes = base64::decode(part)?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| latin1(error.as_bytes())))
}

/// Decimal digits that a non-negative `i32` holds.
fn span_id(part: &str) -> Option<u32> {
    if part.is_empty() || !all_of(part, "0123456789") {
        return None;
    }
    let digits = part.trim_start_matches('0');
    let limit = i32::MAX.to_string();
    // Decimal numbers without leading zeros compare by length, then by text.
    let fits = (digits.len(), digits) <= (limit.len(), limit.as_str());
    fits.then(|| format!("0{digits}").parse().unwrap())
}

/// The header's text by the letter, with no limit of its length.
pub(crate) fn print(header: &Header) -> String {
    let text = |field: &String| base64::encode(field.as_bytes());
    let head = [
        u8::from(header.sampled).to_string(),
        text(&header.trace_id),
        text(&header.segment_id),
        header.span_id.to_string(),
    ];
    let names = [
        &header.service,
        &header.instance,
        &header.endpoint,
        &header.peer,
    ];
    let parts: Vec<String> = head.into_iter().chain(names.map(text)).collect();
    parts.join("-")
}

/// Whether a service's name is a RUM app's id.
pub(crate) fn is_app_id(service: &str) -> bool {
    match service.split('@').collect::<Vec<_>>()[..] {
        [name, number] => {
            let letters = "abcdefghijklmnopqrstuvwxyz0123456789";
            !name.is_empty()
                && !number.is_empty()
                && all_of(name, letters)
                && all_of(number, super::HEX)
        }
        _ => false,
    }
}
