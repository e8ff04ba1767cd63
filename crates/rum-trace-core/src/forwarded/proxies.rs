//! Which proxies are believed.

use crate::BuildError;
use crate::limits::MAX_HOPS;
use crate::networks::Networks;

/// The proxies in front of a service whose `Forwarded` (RFC 7239) and
/// `X-Forwarded-For`, `-Proto` and `-Host` are believed. Without this none is.
///
/// ```
/// use rum_trace_core::{Instrumenter, TrustedProxies};
///
/// let instrumenter = Instrumenter::builder()
///     .trusted_proxies(TrustedProxies::networks(["10.0.0.0/8", "fd00::/8"]))
///     .build()?;
/// # let _ = instrumenter;
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
///
/// # What is believed
///
/// A proxy adds what it knows at the right end. So the lists are read from the right:
/// past the proxies that are trusted, up to the first address that is none of
/// theirs, or so many [`hops`](Self::hops). That is the client; what stands further
/// left is the client's own tale, and not read. Scheme and host are those that the
/// proxy tells that the client reached. If what stands there cannot be understood, or
/// is `unknown` or `_hidden`, the client is not known. At most 32 elements are read.
///
/// It becomes `client.address`, `client.port`, `url.scheme`, `server.address`,
/// `server.port` and the scheme of the metrics, and the address that
/// [`TrustPolicy::trusted_peers`](crate::TrustPolicy::trusted_peers) asks for.
/// `network.peer.address` stays the connection's.
///
/// # What the proxies have to do
///
/// Write each of these headers, or remove it: what they let through as it came is the
/// client's. A proxy that knows only `X-Forwarded-For` lets a `Forwarded` through, and
/// the other way round. So if a request has both, only that is believed which both
/// say; [`only_forwarded`](Self::only_forwarded) and
/// [`only_x_forwarded`](Self::only_x_forwarded) settle it. Values of
/// `X-Forwarded-Proto` and `-Host` are counted from the right as those of
/// `X-Forwarded-For` are; where there are fewer, the leftmost is taken, as written by
/// the first proxy and handed on by the others.
#[derive(Clone, Debug)]
#[must_use]
pub struct TrustedProxies {
    pub(super) known_by: KnownBy,
    pub(super) reads_forwarded: bool,
    pub(super) reads_x_forwarded: bool,
    error: Option<BuildError>,
}

#[derive(Clone, Debug)]
pub(super) enum KnownBy {
    Networks(Networks),
    Hops(usize),
}

impl TrustedProxies {
    /// Proxies by their addresses: each an address, or a network in CIDR notation. A
    /// request whose connection comes from elsewhere, or over a Unix socket, is
    /// believed nothing. What is no network is an error of
    /// [`build`](crate::InstrumenterBuilder::build).
    pub fn networks<S: AsRef<str>>(networks: impl IntoIterator<Item = S>) -> Self {
        match Networks::parse(networks) {
            Ok(networks) => Self::known_by(KnownBy::Networks(networks), None),
            Err(error) => Self::known_by(KnownBy::Networks(Networks::default()), Some(error)),
        }
    }

    /// So many proxies, 1 to 32, whatever their addresses: where these change, or where
    /// the last one comes over a Unix socket. Whoever reaches the service past them
    /// is believed as they are, so nobody else may reach it. A list that is shorter
    /// tells nothing.
    pub fn hops(count: usize) -> Self {
        let fits = (1..=MAX_HOPS).contains(&count);
        let error = BuildError::TrustedHops { hops: count };
        Self::known_by(KnownBy::Hops(count), (!fits).then_some(error))
    }

    /// Reads `Forwarded` only.
    pub fn only_forwarded(mut self) -> Self {
        (self.reads_forwarded, self.reads_x_forwarded) = (true, false);
        self
    }

    /// Reads `X-Forwarded-For`, `-Proto` and `-Host` only.
    pub fn only_x_forwarded(mut self) -> Self {
        (self.reads_forwarded, self.reads_x_forwarded) = (false, true);
        self
    }

    pub(crate) fn error(&self) -> Option<&BuildError> {
        self.error.as_ref()
    }

    fn known_by(known_by: KnownBy, error: Option<BuildError>) -> Self {
        TrustedProxies {
            known_by,
            reads_forwarded: true,
            reads_x_forwarded: true,
            error,
        }
    }
}
