//! What was decided, in numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::metrics::MeterProvider;
use opentelemetry::{InstrumentationScope, KeyValue};

use super::decision::{Decision, REASON, Reason, Verdict};

const DECISIONS: &str = "rum_trace.sampling.decisions";
const KEPT_ALONE: &str = "rum_trace.sampling.kept_alone";
const RULES_READ: &str = "rum_trace.sampling.rules.read";
const SAMPLED: &str = "rum.sampling.sampled";

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Counters {
    sampled: [AtomicU64; Reason::ALL.len()],
    dropped: [AtomicU64; Reason::ALL.len()],
    pub(super) kept_alone: AtomicU64,
    pub(super) not_kept: AtomicU64,
    pub(super) rules_taken: AtomicU64,
    pub(super) rules_refused: AtomicU64,
}

impl Counters {
    pub(super) fn decided(&self, decision: &Decision) {
        let by_reason = match decision.verdict {
            Verdict::Sampled => &self.sampled,
            Verdict::Watched | Verdict::Dropped => &self.dropped,
        };
        add(&by_reason[decision.reason as usize]);
    }

    pub(super) fn snapshot(&self) -> SamplingStats {
        let read = |counters: &[AtomicU64; Reason::ALL.len()]| counters.each_ref().map(get);
        SamplingStats {
            sampled: read(&self.sampled),
            dropped: read(&self.dropped),
            kept_alone: get(&self.kept_alone),
            not_kept: get(&self.not_kept),
            rules_taken: get(&self.rules_taken),
            rules_refused: get(&self.rules_refused),
        }
    }
}

pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// The numbers of a [`SessionSampler`](super::SessionSampler), from when it was built.
/// Spans that follow their parent in the same process are in none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamplingStats {
    sampled: [u64; Reason::ALL.len()],
    dropped: [u64; Reason::ALL.len()],
    /// Spans that were not sampled, and were kept alone: see [`Keep`](super::Keep).
    pub kept_alone: u64,
    /// Spans that would have been, but were too many.
    pub not_kept: u64,
    /// How often rules were taken at run time, from the handle or the file.
    pub rules_taken: u64,
    /// How often the file had rules that could not be taken.
    pub rules_refused: u64,
}

impl SamplingStats {
    /// Decisions to sample, for this reason.
    #[must_use]
    pub fn sampled(&self, reason: Reason) -> u64 {
        self.sampled[reason as usize]
    }

    /// Decisions not to.
    #[must_use]
    pub fn dropped(&self, reason: Reason) -> u64 {
        self.dropped[reason as usize]
    }

    /// All decisions.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.sampled.iter().chain(&self.dropped).sum()
    }
}

/// The same as metrics, whenever they are collected.
pub(super) fn observe(provider: &dyn MeterProvider, counters: &Arc<Counters>) {
    let scope = InstrumentationScope::builder("rum-trace-otlp")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let meter = provider.meter_with_scope(scope);
    let of = Arc::clone(counters);
    meter
        .u64_observable_counter(DECISIONS)
        .with_unit("{span}")
        .with_description("Decisions where a trace comes in, by reason and outcome.")
        .with_callback(move |observer| {
            let stats = of.snapshot();
            for reason in Reason::ALL {
                for (is_sampled, number) in [
                    (true, stats.sampled(reason)),
                    (false, stats.dropped(reason)),
                ] {
                    let labels = [
                        KeyValue::new(REASON, reason),
                        KeyValue::new(SAMPLED, is_sampled),
                    ];
                    if number > 0 {
                        observer.observe(number, &labels);
                    }
                }
            }
        })
        .build();
    let of = Arc::clone(counters);
    meter
        .u64_observable_counter(KEPT_ALONE)
        .with_unit("{span}")
        .with_description("SERVER spans that were not sampled, and were kept for how they ended.")
        .with_callback(move |observer| observer.observe(of.snapshot().kept_alone, &[]))
        .build();
    let of = Arc::clone(counters);
    meter
        .u64_observable_counter(RULES_READ)
        .with_unit("{reading}")
        .with_description("How often rules were read at run time, and whether they were taken.")
        .with_callback(move |observer| {
            let stats = of.snapshot();
            let readings = [
                ("taken", stats.rules_taken),
                ("refused", stats.rules_refused),
            ];
            for (outcome, number) in readings {
                observer.observe(number, &[KeyValue::new("rum.sampling.rules", outcome)]);
            }
        })
        .build();
}
