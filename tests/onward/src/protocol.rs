//! In which protocol a trace goes from one to the next.

use rum_trace_core::TraceProtocol;

/// What a service was told of the protocol of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Nothing: the trace goes on in the protocol that it came in.
    Default,
    /// `protocol_to` names W3C Trace Context.
    W3c,
    /// `protocol_to` names `sw8`.
    Sw8,
    /// `protocol_to` names both.
    Both,
}

impl Hop {
    /// All of them.
    pub const ALL: [Hop; 4] = [Hop::Default, Hop::W3c, Hop::Sw8, Hop::Both];

    /// What the builder is told.
    #[must_use]
    pub const fn protocol(self) -> Option<TraceProtocol> {
        match self {
            Hop::Default => None,
            Hop::W3c => Some(TraceProtocol::W3c),
            Hop::Sw8 => Some(TraceProtocol::Sw8),
            Hop::Both => Some(TraceProtocol::Both),
        }
    }

    /// What is on the wire, by what was on the wire before.
    #[must_use]
    pub const fn carries(self, came: Wire) -> Wire {
        match self {
            // Of two carriers that agree W3C is the first.
            Hop::Default if came.w3c => Wire::W3C,
            Hop::Default => Wire::SW8,
            Hop::W3c => Wire::W3C,
            Hop::Sw8 => Wire::SW8,
            Hop::Both => Wire {
                w3c: true,
                sw8: true,
            },
        }
    }
}

/// Which carriers are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// `traceparent`, with `tracestate` and `baggage`.
    pub w3c: bool,
    /// `sw8`, with `sw8-correlation`, and what the client told of itself.
    pub sw8: bool,
}

impl Wire {
    /// W3C Trace Context alone.
    pub const W3C: Wire = Wire {
        w3c: true,
        sw8: false,
    };
    /// `sw8` alone.
    pub const SW8: Wire = Wire {
        w3c: false,
        sw8: true,
    };
}
