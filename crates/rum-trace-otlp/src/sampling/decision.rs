//! What was decided, and why.

use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::{TraceId, TraceState};
use opentelemetry::{KeyValue, Value};
use rum_trace_core::tracer::NewSpan;

use super::member::{OT, beside, has_threshold, rules_out, without_threshold};
use crate::spans::Why;

/// Why a span is sampled or not: the value of `rum.sampling.reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The caller's sampled flag was followed: `parent`.
    Parent,
    /// A rule decided: `rule`. Which one is in `rum.sampling.rule`.
    Rule,
    /// A ratio did, by the session: `session`.
    Session,
    /// A ratio did, by the trace id, since no session was told, or by the randomness that
    /// came in `ot=rv`: `trace_id`.
    TraceId,
    /// It would have been sampled, but there were too many already: `cap`.
    Cap,
    /// The same, of one app: `app_cap`.
    AppCap,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 6] = [
        Reason::Parent,
        Reason::Rule,
        Reason::Session,
        Reason::TraceId,
        Reason::Cap,
        Reason::AppCap,
    ];

    /// A short name in lower case, as spans and metrics have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Parent => "parent",
            Reason::Rule => "rule",
            Reason::Session => "session",
            Reason::TraceId => "trace_id",
            Reason::Cap => "cap",
            Reason::AppCap => "app_cap",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Reason> for Value {
    fn from(reason: Reason) -> Self {
        Value::from(reason.as_str())
    }
}

pub(crate) const REASON: &str = "rum.sampling.reason";
pub(crate) const RULE: &str = "rum.sampling.rule";

/// What becomes of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Sampled,
    /// Recorded, and at its end looked at once more.
    Watched,
    Dropped,
}

/// The decision on one span.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Reason,
    /// The rule's name.
    pub(crate) rule: Option<Arc<str>>,
    pub(crate) ot: Ot,
}

/// What becomes of the `ot` member of `tracestate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ot {
    /// It is the caller's, who sampled this trace.
    OfCaller,
    /// Nobody knows the probability: what came in does not hold any more.
    WithoutThreshold,
    Is(String),
}

impl Why for Decision {
    fn describe(&self, add: &mut dyn FnMut(KeyValue)) {
        add(KeyValue::new(REASON, self.reason));
        if let Some(rule) = &self.rule {
            add(KeyValue::new(RULE, Arc::clone(rule)));
        }
    }
}

impl Decision {
    /// The list of a layer's span, with what the decision says of it.
    pub(crate) fn list_of(&self, span: &NewSpan<'_>, trace_id: TraceId) -> TraceState {
        match &self.ot {
            Ot::Is(value) => {
                let value = beside(value, span.trace_state_member(OT));
                span.trace_state_with(OT, &value)
            }
            _ => self.list(span.trace_state(), trace_id),
        }
    }

    /// The list with what the decision says of it. Inlined, it is not moved about.
    #[inline(always)]
    pub(crate) fn list(&self, came: TraceState, trace_id: TraceId) -> TraceState {
        match (&self.ot, came.get(OT)) {
            (Ot::Is(value), member) => {
                let value = beside(value, member).into_owned();
                came.insert(OT, value).unwrap_or(came)
            }
            (Ot::OfCaller, Some(member)) if rules_out(member, trace_id) => without(&came, member),
            (Ot::WithoutThreshold, Some(member)) if has_threshold(member) => without(&came, member),
            _ => came,
        }
    }
}

/// The list without its threshold.
fn without(came: &TraceState, member: &str) -> TraceState {
    let rest = without_threshold(member);
    let list = match rest.is_empty() {
        true => came.delete(OT),
        false => came.insert(OT, rest),
    };
    list.unwrap_or_default()
}
