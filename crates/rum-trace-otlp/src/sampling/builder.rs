//! How a sampler is told what to do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rum_trace_core::{BuildError, Networks};

use super::cap::{AppBuckets, Bucket, Cap, Time};
use super::keep::{Keep, Keeper};
use super::probability::Threshold;
use super::rules::Ruleset;
use super::sampler::{Inner, SessionSampler};
use super::stats::Counters;
use super::watch::{self, RulesFile};
use super::{Rules, SamplingError};

/// Builds a [`SessionSampler`].
///
/// Nothing said, it is parent-based: whom the caller sampled is sampled, and so is
/// everybody who has no caller.
#[derive(Default)]
#[must_use]
pub struct SessionSamplerBuilder {
    by_session: Option<f64>,
    roots: Option<f64>,
    trusted: Option<Result<Networks, BuildError>>,
    at_most: Option<u32>,
    at_most_per_app: Option<u32>,
    rules: Rules,
    file: Option<PathBuf>,
    keep: Option<Keep>,
}

impl SessionSamplerBuilder {
    /// Ignores the flag of callers from outside, and samples this part of the sessions:
    /// 0.1 is one in ten. A session is wholly in or wholly out, at every service with
    /// the same ratio; a request without a session is decided on by its trace id.
    ///
    /// For the services that clients call. Those behind them need none of it: the
    /// decision is in the sampled flag, and a parent-based sampler, or
    /// [`trusted_callers`](Self::trusted_callers), follows it.
    pub fn by_session(mut self, ratio: f64) -> Self {
        self.by_session = Some(ratio);
        self
    }

    /// What part of the traces is sampled that begin here: requests without a caller's
    /// span, jobs, timers. By default all, or what [`by_session`](Self::by_session)
    /// says. Given beside that, it splits sessions of which some requests come without a
    /// caller's span, and lets a client choose by leaving it out.
    pub fn roots(mut self, ratio: f64) -> Self {
        self.roots = Some(ratio);
        self
    }

    /// The addresses of one's own services: each an address, or a network in CIDR
    /// notation. They have decided already, and their flag is followed without rules and
    /// cap. The address is the client's, as
    /// [trusted proxies](rum_trace_core::TrustedProxies) tell it: behind a gateway that
    /// is not among those, everybody comes from the gateway.
    ///
    /// By default nobody is trusted: every request from another process is decided on.
    pub fn trusted_callers<S: AsRef<str>>(mut self, networks: impl IntoIterator<Item = S>) -> Self {
        self.trusted = Some(Networks::parse(networks));
        self
    }

    /// The cap on what clients can have sampled: SERVER spans a second that begin
    /// outside, with or without a caller's span, and whatever else is begun right under a
    /// caller's span or in a request that has no span, as the calls of a skipped one. As
    /// many at once after a pause. What is over it is not sampled, and its children are
    /// not either. By default there is none.
    ///
    /// While it refuses some, `ot=th` does not stand in the `tracestate` of the others:
    /// how likely they were is then not known.
    pub fn at_most(mut self, spans_per_second: u32) -> Self {
        self.at_most = Some(spans_per_second);
        self
    }

    /// The same of each app, by its id, or its type if it tells none. An app can tell any
    /// id: it takes [`at_most`](Self::at_most) to bound them all, and
    /// [`TrustPolicy`](rum_trace_core::TrustPolicy) to know one's own.
    pub fn at_most_per_app(mut self, spans_per_second: u32) -> Self {
        self.at_most_per_app = Some(spans_per_second);
        self
    }

    /// Rules, which go before the flag and the ratios.
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Rules from a file instead, JSON if its name ends in `.json`, else TOML. It is read
    /// now, and again within a second when it has changed. One that cannot be taken then
    /// is logged with line and reason, and the rules from before hold on. Who changes it
    /// does best to write another file and to rename it: of one that is written in place,
    /// slowly, a part may be rules of its own.
    pub fn rules_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// What is kept although it was not sampled.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Checks the settings, and reads the file if there is one.
    ///
    /// # Errors
    ///
    /// What cannot be used, and what to write instead.
    pub fn build(self) -> Result<SessionSampler, SamplingError> {
        let time = Time::default();
        let by_session = ratio("by_session", self.by_session)?;
        let roots = ratio("roots", self.roots)?;
        let all = cap("at_most", self.at_most, |cap| Bucket::new(cap, &time))?;
        let apps = cap("at_most_per_app", self.at_most_per_app, |cap| {
            AppBuckets::new(cap, &time)
        })?;
        let keeper = self.keep.as_ref().map(|keep| keeper(keep, &time));
        let (file, rules) = match self.file.as_deref().map(RulesFile::open).transpose()? {
            Some((file, rules)) => (Some(file), rules),
            None => (None, self.rules),
        };
        let roots = roots.or_else(|| by_session.clone());
        let (watch, ends) = watch::watch();
        let inner = Arc::new(Inner {
            roots: roots.unwrap_or_else(Threshold::always),
            by_session,
            trusted: self.trusted.transpose()?.unwrap_or_default(),
            cap: (all.is_some() || apps.is_some()).then_some(Cap { all, apps }),
            rules: arc_swap::ArcSwap::from_pointee(Ruleset::new(rules)),
            keeper: keeper.transpose()?,
            counters: Arc::new(Counters::default()),
            watch,
        });
        if let Some(file) = file {
            file.watch(Arc::downgrade(&inner), ends)?;
        }
        Ok(SessionSampler { inner })
    }
}

/// Without the rules, which may hold the ids of users and sessions.
impl fmt::Debug for SessionSamplerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSamplerBuilder")
            .field("by_session", &self.by_session)
            .field("roots", &self.roots)
            .field("at_most", &self.at_most)
            .field("at_most_per_app", &self.at_most_per_app)
            .field("rules", &self.rules.len())
            .field("rules_file", &self.file)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

fn ratio(setting: &'static str, ratio: Option<f64>) -> Result<Option<Threshold>, SamplingError> {
    let threshold = |ratio| {
        let threshold = Threshold::of_ratio(ratio);
        threshold.ok_or(SamplingError::InvalidRatio { setting, ratio })
    };
    ratio.map(threshold).transpose()
}

fn cap<T>(
    setting: &'static str,
    cap: Option<u32>,
    bucket: impl FnOnce(u32) -> Option<T>,
) -> Result<Option<T>, SamplingError> {
    let bucket = |cap| bucket(cap).ok_or(SamplingError::ZeroCap { setting });
    cap.map(bucket).transpose()
}

fn keeper(keep: &Keep, time: &Time) -> Result<Keeper, SamplingError> {
    if !keep.errors && keep.slower_than.is_none() {
        return Err(SamplingError::KeepsNothing);
    }
    let setting = "Keep::at_most";
    Keeper::new(keep, time).ok_or(SamplingError::ZeroCap { setting })
}
