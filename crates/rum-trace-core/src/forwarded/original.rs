//! A request as the client made it, as far as proxies tell.

use rum_trace_propagation::forwarded::{
    ForwardedElement, Node, entries_from_right, from_right, is_host,
};

use super::proxies::KnownBy;
use super::walk::Hop;
use super::{Client, TrustedProxies};
use crate::RequestInfo;
use crate::attributes::Scheme;
use crate::headers::{Lines, is};

/// A request as it came to the first proxy that is trusted.
///
/// It borrows nothing of the request: a cell that is filled later could not be lent out
/// for less time than what it borrows.
#[derive(Debug, Default)]
pub(crate) struct Original {
    pub(super) client: Client,
    pub(super) scheme: Option<Scheme>,
    pub(super) host: Option<Box<str>>,
    /// Whether a list was too long to be read to the client.
    pub(super) is_over_limit: bool,
}

impl TrustedProxies {
    #[inline(never)]
    pub(super) fn original(&self, request: &dyn RequestInfo) -> Original {
        if !self.knows_peer_of(request) {
            return Original::default();
        }
        let headers = Headers::collect(request);
        let forwarded = self.reads_forwarded && !headers.forwarded.is_empty();
        let x_forwarded = self.reads_x_forwarded && headers.has_x_forwarded();
        match (forwarded, x_forwarded) {
            (false, false) => Original::default(),
            (true, false) => headers.by_forwarded(&self.known_by),
            (false, true) => headers.by_x_forwarded(&self.known_by),
            (true, true) => {
                let forwarded = headers.by_forwarded(&self.known_by);
                forwarded.confirmed_by(&headers.by_x_forwarded(&self.known_by))
            }
        }
    }

    fn knows_peer_of(&self, request: &dyn RequestInfo) -> bool {
        match &self.known_by {
            KnownBy::Networks(networks) => {
                let peer = request.peer();
                peer.is_some_and(|peer| networks.contains(peer.ip()))
            }
            KnownBy::Hops(_) => true,
        }
    }
}

impl Original {
    /// As far as the other one says it, too. One of the two may be the client's, and nobody
    /// can tell which.
    fn confirmed_by(self, other: &Original) -> Self {
        let client = match (self.client, other.client) {
            (Client::Told(address, port), Client::Told(other, other_port))
                if address.to_canonical() == other.to_canonical() =>
            {
                Client::Told(address, port.filter(|port| Some(*port) == other_port))
            }
            _ => Client::Unknown,
        };
        Original {
            client,
            scheme: self.scheme.filter(|scheme| Some(*scheme) == other.scheme),
            host: self.host.filter(|host| other.host.as_ref() == Some(host)),
            is_over_limit: self.is_over_limit || other.is_over_limit,
        }
    }
}

/// The headers of proxies, in a pass of their own: most services trust none.
#[derive(Default)]
struct Headers<'a> {
    forwarded: Lines<'a>,
    x_for: Lines<'a>,
    x_proto: Lines<'a>,
    x_host: Lines<'a>,
}

impl<'a> Headers<'a> {
    fn collect(request: &'a dyn RequestInfo) -> Self {
        let mut headers = Headers::default();
        request.for_each_header(&mut |name, value| {
            if let Some(lines) = headers.slot(name) {
                lines.push(value);
            }
        });
        headers
    }

    fn slot(&mut self, name: &str) -> Option<&mut Lines<'a>> {
        let (found, lines) = match name.len() {
            9 => (is(name, "forwarded"), &mut self.forwarded),
            15 => (is(name, "x-forwarded-for"), &mut self.x_for),
            16 => (is(name, "x-forwarded-host"), &mut self.x_host),
            17 => (is(name, "x-forwarded-proto"), &mut self.x_proto),
            _ => return None,
        };
        found.then_some(lines)
    }

    fn has_x_forwarded(&self) -> bool {
        !(self.x_for.is_empty() && self.x_proto.is_empty() && self.x_host.is_empty())
    }

    /// Each element is one proxy's. The lines are one list (RFC 7239, §4), the last one
    /// being its right end; each is read by itself, so that a quote that is not closed
    /// in one does not reach the next.
    fn by_forwarded(&self, known_by: &KnownBy) -> Original {
        let elements = right_to_left(&self.forwarded).flat_map(from_right);
        let walked = known_by.walk(elements.map(|element| element.ok().map(Hop::of_element)));
        let element = walked.element.unwrap_or_default();
        Original {
            client: walked.client,
            scheme: element.proto().and_then(scheme),
            host: element.host().map(Box::from),
            is_over_limit: walked.is_over_limit,
        }
    }

    fn by_x_forwarded(&self, known_by: &KnownBy) -> Original {
        let entries = right_to_left(&self.x_for).flat_map(entries_from_right);
        let walked = known_by.walk(entries.map(|entry| Some(Hop::of_entry(entry))));
        // Where nobody is named, the nearest proxy still tells what it received; where
        // the list cannot be walked, it is not known whose the values are.
        let steps = match walked.client {
            Client::Peer => 1,
            _ => walked.steps,
        };
        Original {
            client: walked.client,
            scheme: nth_text(&self.x_proto, steps).and_then(scheme),
            host: nth_text(&self.x_host, steps)
                .filter(|host| is_host(host.as_bytes()))
                .map(Box::from),
            is_over_limit: walked.is_over_limit,
        }
    }
}

impl<'a> Hop<ForwardedElement<'a>> {
    fn of_element(element: ForwardedElement<'a>) -> Self {
        Hop {
            node: element.client(),
            element,
        }
    }
}

impl Hop<()> {
    fn of_entry(entry: &[u8]) -> Self {
        Hop {
            node: Node::parse_x_forwarded_for(entry),
            element: (),
        }
    }
}

fn right_to_left<'a>(lines: &Lines<'a>) -> impl Iterator<Item = &'a [u8]> {
    lines.as_slice().iter().rev().copied()
}

/// The value that stands so far from the right, or else the leftmost one.
fn nth_text<'a>(lines: &Lines<'a>, steps: usize) -> Option<&'a str> {
    let entries = right_to_left(lines).flat_map(entries_from_right);
    std::str::from_utf8(entries.take(steps).last()?).ok()
}

/// Some proxies tell a WebSocket's handshake, which is HTTP, by the WebSocket's scheme.
fn scheme(proto: &str) -> Option<Scheme> {
    match proto {
        _ if proto.eq_ignore_ascii_case("wss") => Some(Scheme::Https),
        _ if proto.eq_ignore_ascii_case("ws") => Some(Scheme::Http),
        _ => Scheme::parse(proto),
    }
}
