//! How much clients can have sampled.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use rum_trace_core::RumContext;

use super::decision::Reason;

/// Buckets for the apps. Two apps may share one, and nobody can tell which: the hash is
/// the process's own. More would be memory that hardly ever says more.
const APPS: usize = 1_024;

/// The caps on what begins outside.
#[derive(Debug)]
pub(super) struct Cap {
    pub(super) all: Option<Bucket>,
    pub(super) apps: Option<AppBuckets>,
}

/// It may be sampled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// Others were refused just now, so that nobody knows how likely it was.
    pub(super) amid_refusals: bool,
}

impl Cap {
    pub(super) fn pass(&self, rum: &RumContext) -> Result<Passed, Reason> {
        let app = match &self.apps {
            Some(apps) => apps.of(rum).take().map_err(|Full| Reason::AppCap)?,
            None => false,
        };
        let all = match &self.all {
            Some(all) => all.take().map_err(|Full| Reason::Cap)?,
            None => false,
        };
        Ok(Passed {
            amid_refusals: app || all,
        })
    }
}

/// One bucket for each of a bounded number of apps.
#[derive(Debug)]
pub(super) struct AppBuckets {
    hash: RandomState,
    buckets: Box<[Bucket]>,
}

impl AppBuckets {
    pub(super) fn new(per_second: u32, time: &Time) -> Option<Self> {
        let buckets = (0..APPS).map(|_| Bucket::new(per_second, time));
        Some(AppBuckets {
            hash: RandomState::new(),
            buckets: buckets.collect::<Option<_>>()?,
        })
    }

    /// Android and iOS tell no id: all of a type are one app.
    fn of(&self, rum: &RumContext) -> &Bucket {
        let app = rum.app_id().or(rum.app_type());
        let place = self.hash.hash_one(app) as usize % self.buckets.len();
        &self.buckets[place]
    }
}

/// So many a second, and as many at once after a pause: in any time of `t` seconds at
/// most `(t + 1)` times the number. It takes no lock.
#[derive(Debug)]
pub(super) struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, Time, StateInformationMiddleware>,
    burst: u32,
    /// From a refusal until half of the bucket is free again. A bucket for one that has
    /// refused once stays so, since the one that passes leaves nothing free.
    refusing: AtomicBool,
}

/// There is no place.
#[derive(Debug)]
pub(super) struct Full;

impl Bucket {
    /// `None` for none a second.
    pub(super) fn new(per_second: u32, time: &Time) -> Option<Self> {
        let quota = Quota::per_second(NonZeroU32::new(per_second)?);
        let limiter = RateLimiter::direct_with_clock(quota, time.clone());
        Some(Bucket {
            limiter: limiter.with_middleware(),
            burst: per_second,
            refusing: AtomicBool::new(false),
        })
    }

    /// Takes one, and tells whether others were refused just now.
    pub(super) fn take(&self) -> Result<bool, Full> {
        let Ok(state) = self.limiter.check() else {
            self.refusing.store(true, Ordering::Relaxed);
            return Err(Full);
        };
        let is_refusing = self.refusing.load(Ordering::Relaxed);
        if is_refusing && state.remaining_burst_capacity() >= (self.burst / 2).max(1) {
            self.refusing.store(false, Ordering::Relaxed);
            return Ok(false);
        }
        Ok(is_refusing)
    }
}

/// What the buckets are filled by.
#[derive(Clone, Debug)]
pub(super) enum Time {
    /// The machine's, since the sampler was built.
    Passes(Instant),
    #[cfg(test)]
    IsTold(std::sync::Arc<std::sync::atomic::AtomicU64>),
}

impl Default for Time {
    fn default() -> Self {
        Time::Passes(Instant::now())
    }
}

impl Clock for Time {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        match self {
            // 584 years fit.
            Time::Passes(start) => Nanos::from(start.elapsed().as_nanos() as u64),
            #[cfg(test)]
            Time::IsTold(nanos) => Nanos::from(nanos.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn told() -> (Arc<AtomicU64>, Time) {
        let nanos = Arc::new(AtomicU64::new(0));
        (Arc::clone(&nanos), Time::IsTold(nanos))
    }

    fn taken(bucket: &Bucket, tries: u32) -> usize {
        (0..tries).filter(|_| bucket.take().is_ok()).count()
    }

    #[test]
    fn so_many_at_once_and_so_many_a_second() {
        let (nanos, time) = told();
        let bucket = Bucket::new(100, &time).expect("more than none");
        assert_eq!(taken(&bucket, 1_000), 100);
        let mut more = 0;
        for _ in 0..10_000 {
            nanos.fetch_add(1_000_000, Ordering::Relaxed);
            more += taken(&bucket, 10);
        }
        assert!((999..=1_000).contains(&more), "{more} in ten seconds");
    }

    #[test]
    fn it_says_while_it_refuses() {
        let (nanos, time) = told();
        let bucket = Bucket::new(4, &time).expect("more than none");
        assert!((0..4).all(|_| !bucket.take().expect("room")));
        assert!(bucket.take().is_err());
        nanos.fetch_add(250_000_000, Ordering::Relaxed);
        assert!(bucket.take().expect("one came free"));
        nanos.fetch_add(2_000_000_000, Ordering::Relaxed);
        assert!(!bucket.take().expect("all are free"));
        assert!(Bucket::new(0, &time).is_none());
    }

    /// Each that passes leaves nothing, and others may be refused in between.
    #[test]
    fn a_bucket_for_one_refuses_from_its_first_refusal_on() {
        let (nanos, time) = told();
        let bucket = Bucket::new(1, &time).expect("more than none");
        assert!(!bucket.take().expect("room"));
        for _ in 0..3 {
            assert!(bucket.take().is_err());
            nanos.fetch_add(1_000_000_000, Ordering::Relaxed);
            assert!(bucket.take().expect("one came free"));
        }
    }

    #[test]
    fn an_app_does_not_take_another_ones_share() {
        let (_, time) = told();
        let cap = Cap {
            all: Bucket::new(30, &time),
            apps: AppBuckets::new(10, &time),
        };
        let of = |cap: &Cap| cap.pass(&RumContext::default());
        let passed = (0..20).filter(|_| of(&cap).is_ok()).count();
        assert_eq!(passed, 10);
        assert_eq!(of(&cap), Err(Reason::AppCap));
    }
}
