//! The host that a client asked for.

use crate::instrumenter::Arrival;
use crate::intern;

/// A host, as a request names it: an IPv6 host without its brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server<'a> {
    pub(crate) address: &'a str,
    pub(crate) port: Option<u16>,
}

/// The host of a request.
pub(crate) enum AskedHost<'a> {
    /// Many ask for it.
    Known(Server<'static>),
    Other(Server<'a>),
}

impl<'a> AskedHost<'a> {
    /// By what trusted proxies tell, then by `:authority`, then by `Host`. `None` if
    /// there is none, or if it names no address.
    pub(crate) fn of(arrival: &Arrival<'a>) -> Option<Self> {
        let authority = match arrival.forwarding.host() {
            Some(forwarded) => Some(forwarded),
            None => arrival.request.authority(),
        };
        let authority = authority.map(str::as_bytes);
        let authority = authority.or_else(|| arrival.headers.host.first())?;
        let host = match intern::host(authority) {
            Some(known) => AskedHost::Known(known.server),
            None => AskedHost::Other(Server::of(std::str::from_utf8(authority).ok()?)),
        };
        (!host.server().address.is_empty()).then_some(host)
    }

    /// If many ask for it.
    pub(crate) fn known(&self) -> Option<Server<'static>> {
        match self {
            AskedHost::Known(server) => Some(*server),
            AskedHost::Other(_) => None,
        }
    }

    pub(crate) fn server(&self) -> Server<'a> {
        match self {
            AskedHost::Known(server) => *server,
            AskedHost::Other(server) => *server,
        }
    }
}

impl<'a> Server<'a> {
    /// From `host[:port]`.
    pub(crate) fn of(authority: &'a str) -> Self {
        let (address, port) = split_authority(authority);
        Server { address, port }
    }
}

/// `host[:port]`; an IPv6 host loses its brackets.
fn split_authority(authority: &str) -> (&str, Option<u16>) {
    // Credentials before the host are nobody's business.
    let authority = after_last(b'@', authority).unwrap_or(authority);
    if let Some(rest) = authority.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((host, port)) => (
                host,
                port.strip_prefix(':').and_then(|port| port.parse().ok()),
            ),
            None => (rest, None),
        };
    }
    match after_last(b':', authority) {
        Some(port) => {
            let host = &authority[..authority.len() - port.len() - 1];
            (host, port.parse().ok())
        }
        None => (authority, None),
    }
}

/// What comes after the last of these ASCII characters. Hosts are short: a plain
/// loop is quicker than a search that is made for long texts.
fn after_last(character: u8, text: &str) -> Option<&str> {
    let place = text.bytes().rposition(|byte| byte == character)?;
    text.get(place + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_split() {
        let table = [
            ("api.example.com", "api.example.com", None),
            ("api.example.com:8443", "api.example.com", Some(8443)),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[::1]:8080", "::1", Some(8080)),
            ("[::1]", "::1", None),
            ("[::1", "::1", None),
            ("host:", "host", None),
            ("host:99999", "host", None),
            ("u:p@host:1", "host", Some(1)),
            ("", "", None),
        ];
        for (authority, address, port) in table {
            assert_eq!(split_authority(authority), (address, port), "{authority}");
        }
    }
}
