//! Which hosts are meant.

use std::net::IpAddr;

/// A host, or a domain with all that is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostPattern {
    Address(IpAddr),
    /// In lower case.
    Name(String),
    /// `.shop.example` for `*.shop.example`.
    Below(String),
}

impl HostPattern {
    /// `shop.example`, `*.shop.example`, `10.0.0.7`, `::1`, `[::1]`; no port, no path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(address) = address(text) {
            return Some(HostPattern::Address(address));
        }
        let text = without_root(text).to_ascii_lowercase();
        match text.strip_prefix('*') {
            Some(below) if below.starts_with('.') && is_name(&below[1..]) => {
                Some(HostPattern::Below(below.to_owned()))
            }
            Some(_) => None,
            None => is_name(&text).then_some(HostPattern::Name(text)),
        }
    }

    /// Whether it is this host, given without a port.
    pub(crate) fn matches(&self, host: &str) -> bool {
        match self {
            HostPattern::Address(wanted) => address(host) == Some(*wanted),
            HostPattern::Name(wanted) => without_root(host).eq_ignore_ascii_case(wanted),
            HostPattern::Below(domain) => is_below(host, domain),
        }
    }
}

/// Whether a host can only be an internal one: loopback and private addresses,
/// names of a single label, and the domains that no public name has.
pub(crate) fn is_internal(host: &str) -> bool {
    if let Some(address) = address(host) {
        return is_internal_address(address);
    }
    // With the root's dot a single label is a top-level domain.
    let is_absolute = host.ends_with('.');
    let host = without_root(host);
    if host.is_empty() || !is_name(host) || ends_in_a_number(host) || is_cloud(host) {
        return false;
    }
    // RFC 6762 (.local), ICANN's choice for private use (.internal), Kubernetes.
    const DOMAINS: [&str; 4] = [".internal", ".local", ".svc.cluster.local", ".localhost"];
    let is_single = !host.contains('.');
    is_single && (!is_absolute || host.eq_ignore_ascii_case("localhost"))
        || DOMAINS.iter().any(|domain| is_below(host, domain))
}

/// Resolvers take such a name for an address, as `134744072` for 8.8.8.8 (WHATWG URL,
/// "ends in a number").
fn ends_in_a_number(host: &str) -> bool {
    let label = host.rsplit('.').next().unwrap_or(host);
    let is_hexadecimal = |prefix| label.get(..2).is_some_and(|start| start == prefix);
    label.bytes().all(|byte| byte.is_ascii_digit()) || ["0x", "0X"].into_iter().any(is_hexadecimal)
}

/// The cloud's own service, under a name of the internal kind.
fn is_cloud(host: &str) -> bool {
    host.eq_ignore_ascii_case("metadata.google.internal")
}

/// Whether a host is below this domain, which is given with the dot before it.
fn is_below(host: &str, domain: &str) -> bool {
    let host = without_root(host);
    let at = host.len().checked_sub(domain.len()).filter(|at| *at > 0);
    let end = at.and_then(|at| host.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(domain))
}

/// Loopback; private (RFC 1918), unique local (RFC 4193). Not link-local: there
/// clouds have services of their own.
fn is_internal_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// `host[:port]` of a URI's authority; credentials before it are nobody's business.
pub(crate) fn without_credentials(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or(authority)
}

/// The host of `host[:port]`, as a URI's authority has it.
pub(crate) fn host_of(authority: &str) -> &str {
    let host = without_credentials(authority);
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or(host);
    }
    match host.split_once(':') {
        // An IPv6 address without its brackets has no port.
        Some((_, rest)) if rest.contains(':') => host,
        Some((name, _)) => name,
        None => host,
    }
}

fn address(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(host).parse().ok()?;
    Some(address.to_canonical())
}

/// A name may end in the dot of the root.
fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Letters, digits, `-` and `_` between dots.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_the_hosts_they_name() {
        let table: [(&str, &[&str], &[&str]); 6] = [
            (
                "shop.example",
                &["shop.example", "SHOP.Example", "shop.example."],
                &["api.shop.example", "shop.example.org", "xshop.example", ""],
            ),
            (
                "*.Shop.example",
                &["api.shop.example", "a.b.SHOP.example."],
                &["shop.example", ".shop.example", "evilshop.example", "*"],
            ),
            (
                "10.0.0.7",
                &["10.0.0.7", "[::ffff:10.0.0.7]"],
                &["10.0.0.70"],
            ),
            ("::1", &["[::1]", "::1", "0:0::1"], &["1", "[::2]"]),
            ("[fd00::1]", &["fd00::1"], &["fd00::2"]),
            ("cart", &["cart"], &["cart.shop"]),
        ];
        for (pattern, yes, no) in table {
            let pattern = HostPattern::parse(pattern).expect(pattern);
            for host in yes {
                assert!(pattern.matches(host), "{pattern:?} {host}");
            }
            for host in no {
                assert!(!pattern.matches(host), "{pattern:?} {host}");
            }
        }
    }

    #[test]
    fn what_is_no_host_is_no_pattern() {
        for text in [
            "",
            ".",
            "*",
            "*.",
            "**.shop",
            "a.*.b",
            "shop.example:8080",
            "https://shop.example",
            "shop.example/x",
            "sh op",
            "a..b",
            "caf\u{e9}.example",
            "*shop.example",
        ] {
            assert_eq!(HostPattern::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn internal_is_what_can_be_nothing_else() {
        let internal = [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "cart",
            "cart2",
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.7.7",
            "::1",
            "[::1]",
            "fd12::1",
            "::ffff:10.0.0.1",
            "db.internal",
            "printer.local",
            "cart.shop.svc.cluster.local",
            "app.localhost",
        ];
        let public = [
            "",
            ".",
            "shop.example",
            "8.8.8.8",
            "172.32.0.1",
            "172.15.0.1",
            "100.64.0.1",
            "2001:db8::1",
            "[2606:4700::1]",
            "::ffff:8.8.8.8",
            "internal.example",
            "xlocal.com",
            "evil.local.example",
            "a b",
            "shop.example@cart",
            "0.0.0.0",
            "169.254.169.254",
            "[fe80::1]",
            "http://cart",
            "cart.",
            "134744072",
            "0x08080808",
            "0X8.8",
            "8.8",
            "x.0x1",
            "1.internal.8",
            "metadata.google.internal",
            "Metadata.Google.Internal.",
        ];
        for host in internal {
            assert!(is_internal(host), "{host}");
        }
        for host in public {
            assert!(!is_internal(host), "{host}");
        }
    }

    #[test]
    fn the_host_of_an_authority() {
        let table = [
            ("shop.example:8080", "shop.example"),
            ("shop.example", "shop.example"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("::1", "::1"),
            ("user:pw@shop.example:1", "shop.example"),
            // Who the server is, and not what stands before the @.
            ("localhost@evil.example", "evil.example"),
            ("", ""),
        ];
        for (authority, host) in table {
            assert_eq!(host_of(authority), host, "{authority}");
        }
    }
}
