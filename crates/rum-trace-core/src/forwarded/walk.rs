//! From the right end of a list to the client.

use rum_trace_propagation::forwarded::Node;

use super::Client;
use super::proxies::KnownBy;
use crate::limits::MAX_HOPS;

/// What one proxy tells: who made the request to it, if that can be understood, and
/// what else it says.
pub(super) struct Hop<T> {
    pub(super) node: Option<Node>,
    pub(super) element: T,
}

/// Where a walk has ended.
pub(super) struct Walked<T> {
    pub(super) client: Client,
    /// How many elements were believed.
    pub(super) steps: usize,
    /// What the proxy says that the client reached.
    pub(super) element: Option<T>,
    /// Whether the list goes on where it is no longer read.
    pub(super) is_over_limit: bool,
}

impl<T> Walked<T> {
    fn at(hop: Hop<T>, steps: usize) -> Self {
        let client = match hop.node {
            Some(Node::Address(address, port)) => Client::Told(address, port),
            _ => Client::Unknown,
        };
        Walked {
            client,
            steps,
            element: Some(hop.element),
            is_over_limit: false,
        }
    }

    fn nowhere(client: Client) -> Self {
        Walked {
            client,
            steps: 0,
            element: None,
            is_over_limit: false,
        }
    }
}

impl KnownBy {
    /// Walks the hops of a list, the last one first; `None` is one that cannot be
    /// understood.
    pub(super) fn walk<T>(&self, hops: impl Iterator<Item = Option<Hop<T>>>) -> Walked<T> {
        let mut farthest = None;
        for (before, hop) in hops.enumerate() {
            if before == MAX_HOPS {
                return Walked {
                    is_over_limit: true,
                    ..Walked::nowhere(Client::Unknown)
                };
            }
            let Some(hop) = hop else {
                return Walked::nowhere(Client::Unknown);
            };
            let steps = before + 1;
            if self.is_clients(hop.node, steps) {
                return Walked::at(hop, steps);
            }
            farthest = Some((hop, steps));
        }
        match (self, farthest) {
            (_, None) => Walked::nowhere(Client::Peer),
            // All of them are proxies: the first of these made the request.
            (KnownBy::Networks(_), Some((hop, steps))) => Walked::at(hop, steps),
            (KnownBy::Hops(_), Some(_)) => Walked::nowhere(Client::Unknown),
        }
    }

    /// Whether it is the client that this proxy was reached by.
    fn is_clients(&self, node: Option<Node>, steps: usize) -> bool {
        match self {
            KnownBy::Networks(networks) => {
                let address = node.and_then(Node::address);
                !address.is_some_and(|address| networks.contains(address))
            }
            KnownBy::Hops(hops) => steps == *hops,
        }
    }
}
