//! The way of a server's answer, from its headers to the report.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method};
use rum_trace::VERIFICATION_RESPONSE_HEADER;

use super::client::Response;
use super::diagnosis::{HopReport, Setting, diagnose_hop, products};
use super::judged::{Exports, Judged};
use super::play::Exchange;
use super::probe::PROBES;
use super::report;
use super::target::Hop;
use super::watch::Watched;

/// The headers whose values stand behind the answer's JSON, a line each.
const HEADERS: [&str; 4] = ["server-timing", "server", "via", "location"];

/// The first byte chooses the request; then comes the JSON, in one line. Nothing may
/// panic, and no control character may be printed but a line's end.
pub fn answer(input: &[u8]) {
    let Some((form, text)) = input.split_first() else {
        return;
    };
    let headers = headers(text);
    let Some(hop) = hop(*form, &headers) else {
        return;
    };
    let (text, _json) = report::both(&Method::GET, &[hop]);
    let is_hidden = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(is_hidden), "{text:?}");
}

fn headers(text: &[u8]) -> HeaderMap {
    let mut lines = text.split(|byte| *byte == b'\n');
    let json = URL_SAFE_NO_PAD.encode(lines.next().unwrap_or_default());
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&json) {
        headers.append(VERIFICATION_RESPONSE_HEADER, value);
    }
    for (name, value) in HEADERS.into_iter().zip(lines) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    headers
}

fn hop(form: u8, headers: &HeaderMap) -> Option<HopReport> {
    let probe = PROBES.get(usize::from(form) % PROBES.len())?;
    let exchange = Exchange {
        probe,
        sent: probe.tap("GET", "http://shop.example/", None),
        response: Ok(Response {
            headers: headers.clone(),
            ..Response::default()
        }),
    };
    let exports = Exports {
        service: form & 0x80 != 0,
        gateway: form & 0x40 != 0,
    };
    let judged = vec![Judged::of(Watched::new(exchange), exports)];
    let setting = Setting {
        asked_by_token: true,
        tracing_gateway: false,
    };
    let hops = Hop::all("http://shop.example/", &[]).ok()?;
    Some(HopReport {
        hop: hops.into_iter().next()?,
        findings: diagnose_hop(&judged, setting),
        products: products(std::iter::once(headers)),
        judged,
        asked_by_token: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_and_an_answer_that_means_harm() {
        let lines = r#""lines":[["tracestate","\u001b]0;x",1048576,"0"],["sw8","a",0,""],
            ["tracestate","a",1048576,"0"],["traceparent","00-\u0000"],["b3","\u202e"]]"#;
        let json = format!(
            r#"{{"v":1,"service":"\u0007","class":"\u009b31m","parent_span_id":"x",{lines}}}"#
        );
        let json = json.replace('\n', " ");
        let rest = "traceparent;desc=\"00-\x1b\"\nnginx\u{9b}\n1.1 \x7f\n\u{202e}?secret";
        for form in 0..=u8::MAX {
            let mut input = vec![form];
            input.extend(format!("{json}\n{rest}").bytes());
            answer(&input);
            answer(&input[..input.len() / 2]);
        }
    }
}
