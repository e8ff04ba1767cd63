//! The header formats in which a trace can come in.

use std::fmt;

/// A header format that can carry a trace context into a service.
///
/// Their order of precedence is the builder's
/// [`carriers`](crate::InstrumenterBuilder::carriers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carrier {
    /// W3C Trace Context: `traceparent` and `tracestate`.
    W3c,
    /// SkyWalking: `sw8`.
    Sw8,
    /// Zipkin: `b3`, or `x-b3-traceid` and its companions.
    B3,
    /// Jaeger: `uber-trace-id`.
    Jaeger,
    /// The propagator given as
    /// [`fallback_propagator`](crate::InstrumenterBuilder::fallback_propagator).
    Propagator,
}

impl Carrier {
    /// All that this crate parses itself, in the default order of precedence.
    pub const DEFAULT: [Carrier; 4] = [Carrier::W3c, Carrier::Sw8, Carrier::B3, Carrier::Jaeger];

    /// All carriers there are.
    pub(crate) const ALL: [Carrier; 5] = [
        Carrier::W3c,
        Carrier::Sw8,
        Carrier::B3,
        Carrier::Jaeger,
        Carrier::Propagator,
    ];

    /// A short name in lower case, fit for a metric label: `w3c`, `sw8`, …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Carrier::W3c => "w3c",
            Carrier::Sw8 => "sw8",
            Carrier::B3 => "b3",
            Carrier::Jaeger => "jaeger",
            Carrier::Propagator => "propagator",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
