//! Which names a server answers to.
//!
//! A page from elsewhere can have its own name point at 127.0.0.1 (DNS
//! rebinding) and then read from, and write to, what listens there. Its requests
//! still name that page's host, by which they are told.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};

/// The hosts that requests may name: the loopback names and IP addresses, which
/// nobody can point elsewhere, and those that the user allowed.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostPolicy {
    allowed: Vec<Box<str>>,
}

impl HostPolicy {
    /// With names that are allowed besides, in any case.
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| {
            let name = name.to_ascii_lowercase();
            Box::from(name.strip_suffix('.').unwrap_or(&name))
        });
        Self {
            allowed: names.collect(),
        }
    }

    /// Whether a request may be answered: by its address, which HTTP/2 has in
    /// place of the header, and by its one Host header. One that names no host
    /// comes from no browser, and from no client that keeps to HTTP/1.1.
    pub(crate) fn allows(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let of_uri = uri.authority().map(axum::http::uri::Authority::as_str);
        let mut of_headers = headers.get_all(HOST).iter();
        let of_header = of_headers.next();
        if of_headers.next().is_some() || (of_uri.is_none() && of_header.is_none()) {
            return false;
        }
        let by_header = of_header.is_none_or(|value| {
            let text = value.to_str();
            text.is_ok_and(|text| self.knows(text))
        });
        by_header && of_uri.is_none_or(|text| self.knows(text))
    }

    fn knows(&self, authority: &str) -> bool {
        let Some(host) = host(authority) else {
            return false;
        };
        let host = host.to_ascii_lowercase();
        let name = host.strip_suffix('.').unwrap_or(&host);
        // By RFC 6761, section 6.3, nobody looks these up elsewhere.
        let is_loopback = name == "localhost" || name.ends_with(".localhost");
        is_loopback || is_address(name) || self.allowed.iter().any(|allowed| **allowed == *name)
    }
}

/// The host without its port; nothing where there is more than both.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at_checked(end.checked_add(1)?)?,
        None => authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?,
    };
    let digits = match port {
        "" => port,
        _ => port.strip_prefix(':')?,
    };
    let is_port = digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_port && !host.is_empty()).then_some(host)
}

fn is_address(name: &str) -> bool {
    match name.strip_prefix('[') {
        Some(inner) => {
            let inner = inner.strip_suffix(']').unwrap_or_default();
            matches!(inner.parse(), Ok(IpAddr::V6(_)))
        }
        None => matches!(name.parse(), Ok(IpAddr::V4(_))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(policy: &HostPolicy, hosts: &[&str], uri: &str) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().unwrap());
        }
        policy.allows(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn loopback_names_addresses_and_what_the_user_allows() {
        let policy = HostPolicy::new(["Collector.Example.".to_owned()]);
        for (host, allowed) in [
            ("localhost", true),
            ("LOCALHOST:4318", true),
            ("localhost.", true),
            ("shop.localhost:1", true),
            ("127.0.0.1:4318", true),
            ("192.168.1.2", true),
            ("[::1]:4318", true),
            ("[::1]", true),
            ("collector.example:4318", true),
            ("COLLECTOR.example.", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("evillocalhost", false),
            ("x.collector.example", false),
            ("[::1].evil.example", false),
            ("[::1", false),
            ("[evil]", false),
            ("::1", false),
            ("localhost:80:evil", false),
            ("localhost@evil.example", false),
            ("localhost:x", false),
            (":80", false),
            ("", false),
        ] {
            assert_eq!(allows(&policy, &[host], "/v1/traces"), allowed, "{host:?}");
        }
    }

    #[test]
    fn header_and_address_must_both_be_known_and_there_is_one() {
        let policy = HostPolicy::default();
        for (hosts, uri, allowed) in [
            (&[][..], "/", false),
            (&[], "http://127.0.0.1:4317/x", true),
            (&[], "http://evil.example/x", false),
            (&["localhost"], "http://evil.example/x", false),
            (&["evil.example"], "http://localhost/x", false),
            (&["localhost"], "http://localhost/x", true),
            (&["localhost", "evil.example"], "/", false),
            (&["localhost", "localhost"], "/", false),
        ] {
            assert_eq!(allows(&policy, hosts, uri), allowed, "{hosts:?} {uri}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(HOST, axum::http::HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(!policy.allows(&headers, &Uri::from_static("/")));
    }
}
