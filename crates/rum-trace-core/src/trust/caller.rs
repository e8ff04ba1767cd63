//! What a policy is asked about.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::forwarded::Forwarding;
use crate::{Carrier, RequestInfo, RumContext};

/// Who sent a request and what it claims, for a [`TrustPolicy`](crate::TrustPolicy).
///
/// All but the addresses is what the client wrote.
pub struct Caller<'a> {
    forwarding: &'a Forwarding<'a>,
    rum: &'a RumContext,
    claim: Option<Claim>,
}

/// The span that a request claims to be a child of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) carrier: Carrier,
    pub(crate) is_sampled: bool,
}

impl<'a> Caller<'a> {
    pub(super) fn new(
        forwarding: &'a Forwarding<'a>,
        rum: &'a RumContext,
        claim: Option<Claim>,
    ) -> Self {
        Caller {
            forwarding,
            rum,
            claim,
        }
    }

    /// The carrier that names a parent, if one does.
    #[must_use]
    pub fn carrier(&self) -> Option<Carrier> {
        Some(self.claim?.carrier)
    }

    /// Whether the parent claims to be sampled, which makes a parent-based sampler
    /// export the request.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.claim.is_some_and(|claim| claim.is_sampled)
    }

    /// The app's id, called pid in the RUM product. Android and iOS send none.
    #[must_use]
    pub fn app_id(&self) -> Option<&'a str> {
        self.rum.app_id()
    }

    /// `browser`, `uniapp`, `android`, `ios`, or what else the client sent.
    #[must_use]
    pub fn app_type(&self) -> Option<&'a str> {
        self.rum.app_type()
    }

    /// All that the client tells of app, session and user, as far as it may be kept:
    /// [privacy](crate::Privacy) comes before trust, so that ids are hashed or dropped
    /// already. In the headers of the [request](Self::request) they are as they came.
    #[must_use]
    pub fn rum(&self) -> &'a RumContext {
        self.rum
    }

    /// The client's address: the peer's, or the one that
    /// [trusted proxies](crate::TrustedProxies) tell. `None` if it is not known, as over
    /// a Unix socket, or if the proxies do not tell.
    #[must_use]
    pub fn client_address(&self) -> Option<IpAddr> {
        self.forwarding.client().map(|(address, _)| address)
    }

    /// The address at the other end of the connection.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.forwarding.peer()
    }

    /// The request itself, as it came.
    #[must_use]
    pub fn request(&self) -> &'a dyn RequestInfo {
        self.forwarding.request()
    }
}

impl fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("claim", &self.claim)
            .field("rum", &self.rum)
            .field("client_address", &self.client_address())
            .finish_non_exhaustive()
    }
}
