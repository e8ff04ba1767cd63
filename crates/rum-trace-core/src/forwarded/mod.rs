//! What proxies tell of a request as it came to them: who made it, in which scheme,
//! and to which host. Believed only from proxies that are trusted.

mod original;
mod proxies;
mod walk;

pub(crate) use self::original::Original;
pub use self::proxies::TrustedProxies;

use std::cell::OnceCell;
use std::net::{IpAddr, SocketAddr};

use crate::RequestInfo;
use crate::attributes::Scheme;

/// How a request came: its peer, and what trusted proxies tell. Their headers are
/// read when they are asked for, and not at all where no proxy is trusted.
pub(crate) struct Forwarding<'a> {
    request: &'a dyn RequestInfo,
    proxies: Option<&'a TrustedProxies>,
    original: OnceCell<Original>,
}

impl<'a> Forwarding<'a> {
    pub(crate) fn of(request: &'a dyn RequestInfo, proxies: Option<&'a TrustedProxies>) -> Self {
        Forwarding {
            request,
            proxies,
            original: OnceCell::new(),
        }
    }

    pub(crate) fn request(&self) -> &'a dyn RequestInfo {
        self.request
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.request.peer()
    }

    #[inline]
    fn original(&self) -> Option<&Original> {
        Some(self.told_by(self.proxies?))
    }

    #[inline(never)]
    fn told_by(&self, proxies: &TrustedProxies) -> &Original {
        let read = || proxies.original(self.request);
        self.original.get_or_init(read)
    }

    /// The client's address, and its port where a proxy tells it. `None` if nobody
    /// who is believed knows it.
    pub(crate) fn client(&self) -> Option<(IpAddr, Option<u16>)> {
        let peer = |peer: SocketAddr| (peer.ip().to_canonical(), None);
        match self.original().map(|original| original.client) {
            None | Some(Client::Peer) => self.peer().map(peer),
            Some(Client::Told(address, port)) => Some((address.to_canonical(), port)),
            Some(Client::Unknown) => None,
        }
    }

    /// The client is the peer, as far as it is known.
    pub(crate) fn is_direct(&self) -> bool {
        self.original()
            .is_none_or(|original| original.client == Client::Peer)
    }

    /// A list was too long to be read to the client, who is not known then.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.original()
            .is_some_and(|original| original.is_over_limit)
    }

    pub(crate) fn scheme(&self) -> Option<Scheme> {
        self.original()?.scheme
    }

    /// `host[:port]`, as the client asked for it.
    pub(crate) fn host(&self) -> Option<&str> {
        self.original()?.host.as_deref()
    }
}

/// Who made a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Client {
    /// The other end of the connection, since nobody forwarded the request.
    #[default]
    Peer,
    /// Who a trusted proxy says.
    Told(IpAddr, Option<u16>),
    /// A trusted proxy does not know, or what is told cannot be understood.
    Unknown,
}
