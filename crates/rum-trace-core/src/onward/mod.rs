//! The trace's way on: what goes to which host, in which protocol.

mod call;
mod endpoint;
mod hosts;
mod inject;
mod message;
mod outgoing;
mod propagator;
mod snapshot;

use std::fmt;

pub use self::call::{ActiveCall, CallFailure, UrlTemplate};
pub use self::inject::Injection;
pub use self::propagator::RumTracePropagator;
pub use self::snapshot::{ContextSnapshot, InContext};

pub(crate) use self::endpoint::Endpoint;
use self::hosts::HostPattern;
use crate::BuildError;

/// The protocols in which a trace can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TraceProtocol {
    /// W3C Trace Context, and W3C Baggage for one's own services.
    W3c,
    /// SkyWalking's `sw8`, and `sw8-correlation` for one's own services.
    Sw8,
    /// Both, for a service of which nobody knows what it reads.
    Both,
}

impl TraceProtocol {
    /// A short name in lower case: `w3c`, `sw8`, `both`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            TraceProtocol::W3c => "w3c",
            TraceProtocol::Sw8 => "sw8",
            TraceProtocol::Both => "both",
        }
    }

    const fn has_w3c(self) -> bool {
        matches!(self, TraceProtocol::W3c | TraceProtocol::Both)
    }

    const fn has_sw8(self) -> bool {
        matches!(self, TraceProtocol::Sw8 | TraceProtocol::Both)
    }
}

impl fmt::Display for TraceProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose a host is, in the order of what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// Somebody else's: nothing.
    Stranger,
    /// Somebody else's that was asked for: the trace, and nothing of the client.
    ThirdParty,
    /// One's own: it gets everything.
    Own,
}

/// What the builder was told of the services behind.
#[derive(Debug)]
pub(crate) struct Onward {
    own: Vec<HostPattern>,
    internal_is_own: bool,
    trace_third_parties: bool,
    protocols: Vec<(HostPattern, TraceProtocol)>,
    pub(crate) service: String,
    pub(crate) instance: String,
}

impl Default for Onward {
    fn default() -> Self {
        Onward {
            own: Vec::new(),
            internal_is_own: true,
            trace_third_parties: false,
            protocols: Vec::new(),
            service: String::new(),
            instance: String::new(),
        }
    }
}

impl Onward {
    pub(crate) fn own_host(&mut self, host: &str) -> Result<(), BuildError> {
        self.own.push(pattern(host)?);
        Ok(())
    }

    pub(crate) fn protocol_to(
        &mut self,
        host: &str,
        protocol: TraceProtocol,
    ) -> Result<(), BuildError> {
        self.protocols.push((pattern(host)?, protocol));
        Ok(())
    }

    pub(crate) fn internal_is_own(&mut self, yes: bool) {
        self.internal_is_own = yes;
    }

    pub(crate) fn trace_third_parties(&mut self, yes: bool) {
        self.trace_third_parties = yes;
    }

    /// What goes to a host of which nothing is known.
    fn injection_to_anybody(&self) -> Injection<'_> {
        Injection::to(Target::ThirdParty)
            .service(&self.service)
            .instance(&self.instance)
    }

    /// Whether some host gets `sw8` whichever protocol a trace came in.
    pub(crate) fn speaks_sw8(&self) -> bool {
        self.protocols
            .iter()
            .any(|(_, protocol)| protocol.has_sw8())
    }

    /// What a request to this authority (`host[:port]`) is to carry.
    pub(crate) fn injection<'a>(&'a self, authority: &'a str) -> Injection<'a> {
        let host = hosts::host_of(authority);
        let injection = Injection::to(self.target(host))
            .service(&self.service)
            .instance(&self.instance)
            .peer(hosts::without_credentials(authority));
        match self.protocols.iter().find(|(it, _)| it.matches(host)) {
            Some((_, protocol)) => injection.protocol(*protocol),
            None => injection,
        }
    }

    fn target(&self, host: &str) -> Target {
        let named = self.own.iter().any(|own| own.matches(host));
        if named || self.internal_is_own && hosts::is_internal(host) {
            Target::Own
        } else if self.trace_third_parties {
            Target::ThirdParty
        } else {
            Target::Stranger
        }
    }
}

fn pattern(host: &str) -> Result<HostPattern, BuildError> {
    HostPattern::parse(host).ok_or_else(|| BuildError::InvalidHost {
        host: host.to_owned(),
    })
}
