//! The trace flags of W3C Trace Context Level 2, §3.2.2.5.

/// The flags of a trace. Only the two that Level 2 defines can be set: others
/// must be ignored on input and be zero on output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TraceFlags(u8);

impl TraceFlags {
    /// Neither sampled nor random.
    pub const NONE: Self = TraceFlags(0);
    /// The caller may have recorded the trace.
    pub const SAMPLED: Self = TraceFlags(0b01);
    /// At least the last seven bytes of the trace id are random.
    pub const RANDOM: Self = TraceFlags(0b10);

    /// The flags in a byte, without those that Level 2 does not define.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        TraceFlags(bits & (Self::SAMPLED.0 | Self::RANDOM.0))
    }

    /// The flags as a byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the sampled flag is set.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }

    /// Whether the random flag is set.
    #[must_use]
    pub const fn is_random(self) -> bool {
        self.0 & Self::RANDOM.0 != 0
    }

    /// The same with the sampled flag as given.
    #[must_use]
    pub const fn with_sampled(self, yes: bool) -> Self {
        self.with(Self::SAMPLED, yes)
    }

    /// The same with the random flag as given.
    #[must_use]
    pub const fn with_random(self, yes: bool) -> Self {
        self.with(Self::RANDOM, yes)
    }

    const fn with(self, flag: Self, yes: bool) -> Self {
        if yes {
            TraceFlags(self.0 | flag.0)
        } else {
            TraceFlags(self.0 & !flag.0)
        }
    }
}
