//! A sampler that is at work, changed and looked at.

use std::sync::Arc;

use opentelemetry::metrics::MeterProvider;

use super::sampler::Inner;
use super::stats;
use super::{Rules, SamplingStats};

/// Changes the rules of a [`SessionSampler`](super::SessionSampler) at run time, and
/// tells its numbers. All clones are handles of the same sampler.
#[derive(Clone, Debug)]
pub struct SamplingHandle(pub(super) Arc<Inner>);

impl SamplingHandle {
    /// From now on these hold. A decision that is being made is made by the old ones or
    /// the new ones, and never by some of both. A [file](
    /// super::SessionSamplerBuilder::rules_file) that changes after this replaces them.
    pub fn set_rules(&self, rules: Rules) {
        self.0.set_rules(rules);
    }

    /// Those that hold.
    pub fn rules(&self) -> Rules {
        self.0.rules.load().data.clone()
    }

    /// The numbers so far.
    #[must_use]
    pub fn stats(&self) -> SamplingStats {
        self.0.counters.snapshot()
    }

    /// The same as metrics of this provider. A [`Pipeline`](crate::Pipeline) that has a
    /// meter provider does it by itself.
    pub fn observe(&self, provider: &dyn MeterProvider) {
        stats::observe(provider, &self.0.counters);
    }
}
