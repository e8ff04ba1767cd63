//! The decision.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanKind, TraceId};
use rum_trace_core::Networks;

use super::cap::{Cap, Passed};
use super::decision::{Decision, Ot, Reason, Verdict};
use super::facts::Facts;
use super::keep::Keeper;
use super::probability::{Randomness, Threshold};
use super::rules::Ruleset;
use super::stats::{Counters, add};
use super::watch::Watch;
use super::{Rules, SamplingHandle, SessionSamplerBuilder};
use crate::processor::{Ending, LastLook};

/// A sampler that knows sessions: see [the module](crate::sampling).
///
/// Cheap to clone; clones are the same sampler. It is for a
/// [`Pipeline`](crate::PipelineBuilder::sampler), which asks it before a span is
/// described, and for any other provider of OpenTelemetry's SDK.
#[derive(Clone, Debug)]
pub struct SessionSampler {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) roots: Threshold,
    pub(super) by_session: Option<Threshold>,
    pub(super) trusted: Networks,
    pub(super) cap: Option<Cap>,
    pub(super) rules: ArcSwap<Ruleset>,
    pub(super) keeper: Option<Keeper>,
    pub(super) counters: Arc<Counters>,
    #[expect(dead_code, reason = "the watch ends when it is dropped")]
    pub(super) watch: Watch,
}

/// The span that calls, in another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) is_sampled: bool,
}

impl SessionSampler {
    /// The builder.
    pub fn builder() -> SessionSamplerBuilder {
        SessionSamplerBuilder::default()
    }

    /// What changes it at run time, and tells its numbers.
    #[must_use]
    pub fn handle(&self) -> SamplingHandle {
        SamplingHandle(Arc::clone(&self.inner))
    }

    /// Decides on a span whose parent, if it has one, is in another process. The cost of
    /// a request: no lock, and no allocation but for what `tracestate` is to say.
    pub(super) fn decide(
        &self,
        caller: Option<Caller>,
        trace_id: TraceId,
        facts: &Facts<'_>,
    ) -> Decision {
        let inner = &*self.inner;
        let mut decision = inner.decide(caller, trace_id, facts);
        let is_watched = inner.keeper.is_some() && facts.kind == SpanKind::Server;
        if decision.verdict == Verdict::Dropped && is_watched {
            decision.verdict = Verdict::Watched;
        }
        inner.counters.decided(&decision);
        decision
    }

    /// Who looks at what was watched, if anything is.
    pub(crate) fn last_look(&self) -> Option<Arc<dyn LastLook>> {
        self.inner.keeper.as_ref()?;
        Some(Arc::clone(&self.inner) as Arc<dyn LastLook>)
    }

    /// The rules that hold just now.
    pub(super) fn ruleset(&self) -> Arc<Ruleset> {
        self.inner.rules.load_full()
    }
}

impl LastLook for Inner {
    fn keeps(&self, span: &Ending<'_>) -> Option<KeyValue> {
        let keeper = self.keeper.as_ref()?;
        let kept = keeper.wants(span)?;
        if !keeper.has_room() {
            add(&self.counters.not_kept);
            return None;
        }
        add(&self.counters.kept_alone);
        Some(kept.attribute())
    }
}

/// Without the rules, which may hold the ids of users and sessions.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("rules", &self.rules.load().data.len())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(super) fn set_rules(&self, rules: Rules) {
        self.rules.store(Arc::new(Ruleset::new(rules)));
        add(&self.counters.rules_taken);
    }

    fn decide(&self, caller: Option<Caller>, trace_id: TraceId, facts: &Facts<'_>) -> Decision {
        if let Some(caller) = caller.filter(|_| self.has_decided(facts)) {
            return followed(caller);
        }
        let wanted = self.wanted(caller, trace_id, facts);
        // Jobs and timers of one's own are not capped: no client can begin them.
        let begins_outside = || caller.is_some() || facts.is_of_request();
        match &self.cap {
            Some(cap) if wanted.is_capped && begins_outside() => {
                within(cap, wanted.decision, facts)
            }
            _ => wanted.decision,
        }
    }

    /// What is decided before the cap.
    fn wanted(&self, caller: Option<Caller>, trace_id: TraceId, facts: &Facts<'_>) -> Wanted {
        let by_rule = match facts.rules {
            Some(rules) => by_rules(rules, trace_id, facts),
            None => by_rules(&self.rules.load(), trace_id, facts),
        };
        by_rule.unwrap_or_else(|| Wanted {
            decision: match (caller, &self.by_session) {
                (Some(caller), None) => followed(caller),
                (Some(_), Some(threshold)) => by_ratio(threshold, trace_id, facts),
                (None, _) => by_ratio(&self.roots, trace_id, facts),
            },
            is_capped: true,
        })
    }

    /// The caller is a service of one's own; messages come from those only.
    fn has_decided(&self, facts: &Facts<'_>) -> bool {
        if facts.kind == SpanKind::Consumer {
            return true;
        }
        let is_trusted = |address| self.trusted.contains(address);
        !self.trusted.is_empty() && facts.client_address().is_some_and(is_trusted)
    }
}

/// A decision, as long as there is room for it.
struct Wanted {
    decision: Decision,
    is_capped: bool,
}

fn by_rules(rules: &Ruleset, trace_id: TraceId, facts: &Facts<'_>) -> Option<Wanted> {
    let rule = rules.matching(facts)?;
    let mut decision = match &rule.threshold {
        None => dropped(Reason::Rule),
        Some(threshold) => by_ratio(threshold, trace_id, facts),
    };
    decision.reason = Reason::Rule;
    decision.rule = Some(Arc::clone(&rule.name));
    Some(Wanted {
        decision,
        is_capped: !rule.is_forced,
    })
}

fn by_ratio(threshold: &Threshold, trace_id: TraceId, facts: &Facts<'_>) -> Decision {
    let randomness = Randomness::of(facts.rum, || facts.randomness(), trace_id);
    if threshold.takes(randomness) {
        sampled(randomness.reason(), threshold.member(randomness))
    } else {
        dropped(randomness.reason())
    }
}

fn within(cap: &Cap, mut decision: Decision, facts: &Facts<'_>) -> Decision {
    if decision.verdict != Verdict::Sampled {
        return decision;
    }
    match cap.pass(facts.rum) {
        Ok(Passed { amid_refusals }) => {
            if amid_refusals {
                decision.ot = Ot::WithoutThreshold;
            }
            decision
        }
        Err(reason) => Decision {
            rule: decision.rule,
            ..dropped(reason)
        },
    }
}

fn followed(caller: Caller) -> Decision {
    if !caller.is_sampled {
        return dropped(Reason::Parent);
    }
    Decision {
        verdict: Verdict::Sampled,
        reason: Reason::Parent,
        rule: None,
        ot: Ot::OfCaller,
    }
}

fn sampled(reason: Reason, member: String) -> Decision {
    Decision {
        verdict: Verdict::Sampled,
        reason,
        rule: None,
        ot: Ot::Is(member),
    }
}

/// No probability holds for what is not sampled.
fn dropped(reason: Reason) -> Decision {
    Decision {
        verdict: Verdict::Dropped,
        reason,
        rule: None,
        ot: Ot::WithoutThreshold,
    }
}

impl Caller {
    pub(crate) fn of(span: &SpanContext) -> Self {
        Caller {
            is_sampled: span.is_sampled(),
        }
    }
}
