//! Is what was sent of the shape that was captured before?

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::arrivals::Headers;
use crate::carrier;
use crate::cells::By;

const CAPTURES: &str = include_str!("../../../data/captures/rum-browser-0.0.37.json");

#[derive(Debug, Deserialize)]
struct Capture {
    case: String,
    headers: Headers,
}

/// The captured headers of this case.
pub(crate) fn of(case: &str, by: By) -> Option<Headers> {
    let all: Vec<Capture> = serde_json::from_str(CAPTURES).ok()?;
    let wanted = format!("{case}_{}", by.name());
    all.into_iter()
        .find(|capture| capture.case == wanted)
        .map(|capture| capture.headers)
}

/// The headers without what differs from request to request.
pub(crate) fn shape(headers: &Headers) -> BTreeMap<String, String> {
    let headers = headers.iter();
    headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value_shape(name, value)))
        .collect()
}

fn value_shape(name: &str, value: &str) -> String {
    match carrier::sw8(value) {
        Some(sw8) if name == "sw8" => sw8_shape(&sw8),
        _ => without_ids(value),
    }
}

/// The host is of this run: only its form is kept.
fn sw8_shape(sw8: &carrier::Sw8) -> String {
    let [service, instance, endpoint, peer] = &sw8.names;
    let peer = peer.rsplit_once(':').map_or("no port", |(host, _)| host);
    format!(
        "{} {} {} 0 {service} {instance} {endpoint} {peer}",
        u8::from(sw8.ids.sampled),
        uuid_shape(&sw8.ids.trace),
        uuid_shape(&sw8.ids.span),
    )
}

fn uuid_shape(id: &str) -> String {
    id.split('-')
        .map(|part| part.len().to_string())
        .collect::<Vec<_>>()
        .join("-")
}

/// Ids have 16 or 32 letters and digits, and nothing else that is sent has.
fn without_ids(value: &str) -> String {
    let mut shape = String::new();
    let (mut word, end) = (String::new(), std::iter::once(' '));
    for c in value.chars().chain(end) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        match word.len() {
            16 | 32 => shape.push_str(&format!("{{{}}}", word.len())),
            _ => shape.push_str(&word),
        }
        word.clear();
        shape.push(c);
    }
    shape.pop();
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_left_out_and_nothing_else() {
        let capture = of("w3c", By::Fetch).expect("captured");
        let shape = shape(&capture);
        assert_eq!(shape["traceparent"], "00-{32}-{16}-01");
        let state = "rum=v2&browser&demo123@53df7ad2afe8301&{32}&uid_{16}";
        assert_eq!(shape["tracestate"], state);
    }

    #[test]
    fn sw8_is_shown_decoded() {
        let shape = shape(&of("sw8", By::Xhr).expect("captured"));
        let expected = "1 8-4-4-4-12 8-4-4-4-12 0 demo123@53df7ad2afe8301 2.4.1 /page 127.0.0.1";
        assert_eq!(shape["sw8"], expected);
    }
}
