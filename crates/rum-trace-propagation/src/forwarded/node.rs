//! Who made a request to a proxy, and which host it asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::text::ascii;

/// Who made a request to a proxy (RFC 7239, §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Node {
    /// An address, and the port if it was told as a number.
    Address(IpAddr, Option<u16>),
    /// The proxy does not know (`unknown`), or does not tell (`_gazonk`).
    Hidden,
}

impl Node {
    /// `node = nodename [ ":" node-port ]`; an IPv6 address is in brackets.
    ///
    /// ```
    /// use rum_trace_propagation::forwarded::Node;
    ///
    /// let address = "2001:db8::17".parse().unwrap();
    /// assert_eq!(Node::parse(b"[2001:db8::17]:4711"), Some(Node::Address(address, Some(4711))));
    /// assert_eq!(Node::parse(b"_gazonk"), Some(Node::Hidden));
    /// assert_eq!(Node::parse(b"Unknown"), Some(Node::Hidden)); // in any case, RFC 5234, §2.3
    /// assert_eq!(Node::parse(b"2001:db8::17"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (name, port) = split_port(text)?;
        let port = match port {
            Some(port) => node_port(port)?,
            None => None,
        };
        if name.eq_ignore_ascii_case(b"unknown") || is_obfuscated(name) {
            return Some(Node::Hidden);
        }
        Some(Node::Address(address(name)?, port))
    }

    /// An entry of `X-Forwarded-For`: as above, or an IPv6 address without brackets,
    /// which is how most proxies write it.
    #[must_use]
    pub fn parse_x_forwarded_for(text: &[u8]) -> Option<Self> {
        let bare = || Some(ascii(text).parse::<Ipv6Addr>().ok()?.into());
        let bare = || Some(Node::Address(bare()?, None));
        Node::parse(text).or_else(bare)
    }

    /// The address, if there is one.
    #[must_use]
    pub const fn address(self) -> Option<IpAddr> {
        match self {
            Node::Address(address, _) => Some(address),
            Node::Hidden => None,
        }
    }
}

/// Whether the text is what `Host` may hold (RFC 9110, §7.2), and not empty: a name or
/// an address, and a port if need be.
#[must_use]
pub fn is_host(text: &[u8]) -> bool {
    let Some((host, port)) = split_port(text) else {
        return false;
    };
    let is_port = |port: &[u8]| port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    let is_address = host.first() == Some(&b'[') && address(host).is_some();
    (is_address || is_name(host)) && port.is_none_or(is_port)
}

/// `reg-name` of RFC 3986, §3.2.2, to which IPv4 addresses belong.
fn is_name(host: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    !host.is_empty() && host.iter().all(is_allowed)
}

/// What stands before and behind the colon of a port. `None` if a bracket is not
/// closed, or is followed by something else.
fn split_port(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let in_brackets = text.first() == Some(&b'[');
    let end = if in_brackets {
        text.iter().position(|byte| *byte == b']')?.checked_add(1)?
    } else {
        let colon = text.iter().position(|byte| *byte == b':');
        colon.unwrap_or(text.len())
    };
    match text.split_at_checked(end)? {
        (name, []) => Some((name, None)),
        (name, [b':', port @ ..]) => Some((name, Some(port))),
        _ => None,
    }
}

fn address(name: &[u8]) -> Option<IpAddr> {
    match name {
        [b'[', v6 @ .., b']'] => Some(ascii(v6).parse::<Ipv6Addr>().ok()?.into()),
        v4 => Some(ascii(v4).parse::<Ipv4Addr>().ok()?.into()),
    }
}

/// `node-port = port / obfport`; one that is obfuscated tells nothing.
fn node_port(port: &[u8]) -> Option<Option<u16>> {
    if is_obfuscated(port) {
        return Some(None);
    }
    let is_number = port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    let number = ascii(port).parse().ok().filter(|_| is_number)?;
    Some(Some(number))
}

/// `"_" 1*(ALPHA / DIGIT / "." / "_" / "-")`
fn is_obfuscated(name: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    matches!(name, [b'_', rest @ ..] if !rest.is_empty() && rest.iter().all(is_allowed))
}
