//! The header fields that concern one connection, and those that a proxy adds.

use std::net::IpAddr;

use http::header::{CONNECTION, EXPECT, HOST, TE, UPGRADE, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// RFC 9110, §7.6.1: those that are for the next hop alone, listed or not.
const FOR_ONE_HOP: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
    http::header::TRANSFER_ENCODING,
    UPGRADE,
];

/// What the upstream is to get of a request's fields.
pub(crate) fn of_request(headers: &mut HeaderMap, peer: Option<IpAddr>) {
    let takes_trailers = headers.get_all(TE).iter().any(is_trailers);
    end_of_hop(headers);
    // Answered here: hyper sends the 100 once the body is asked for.
    headers.remove(EXPECT);
    headers.remove(TE);
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if let Some(host) = headers.remove(HOST) {
        headers.insert(FORWARDED_HOST, host);
    }
    if let Some(peer) = peer.and_then(|peer| HeaderValue::try_from(peer.to_string()).ok()) {
        headers.append(FORWARDED_FOR, peer);
    }
}

fn is_trailers(value: &HeaderValue) -> bool {
    let mut codings = value.to_str().unwrap_or_default().split(',');
    codings.any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

/// What the client is to get of a response's fields.
pub(crate) fn of_response(headers: &mut HeaderMap) {
    end_of_hop(headers);
}

fn end_of_hop(headers: &mut HeaderMap) {
    let listed: Vec<_> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in listed.iter().chain(&FOR_ONE_HOP) {
        headers.remove(name);
    }
}

/// RFC 9110, §7.6.3.
pub(crate) fn via(headers: &mut HeaderMap, version: Version) {
    let via = match version {
        Version::HTTP_10 => "1.0 gateway",
        Version::HTTP_2 => "2 gateway",
        _ => "1.1 gateway",
    };
    headers.append(VIA, HeaderValue::from_static(via));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| {
            let name = HeaderName::try_from(*name).expect("a name");
            (name, HeaderValue::try_from(*value).expect("a value"))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn what_is_for_one_hop_goes_no_further() {
        let mut request = headers(&[
            ("host", "shop.example"),
            ("connection", "close, X-Secret"),
            ("x-secret", "for the gateway"),
            ("te", "gzip, Trailers"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("expect", "100-continue"),
            ("proxy-authorization", "Basic x"),
            ("x-forwarded-for", "192.0.2.1"),
            ("trailer", "checksum"),
            ("accept", "*/*"),
        ]);
        of_request(&mut request, "127.0.0.1".parse().ok());
        let mut left: Vec<_> = request
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        left.sort();
        let expected = [
            "accept: */*",
            "te: trailers",
            "trailer: checksum",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-for: 192.0.2.1",
            "x-forwarded-host: shop.example",
        ];
        assert_eq!(left, expected);
    }

    #[test]
    fn without_te_there_is_none() {
        let mut request = headers(&[("te", "gzip")]);
        of_request(&mut request, None);
        assert!(request.is_empty(), "{request:?}");
    }
}
