//! One rule.

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Condition;
use crate::sampling::probability::Threshold;

/// What it matches, and what is decided then. See [`Rules`](super::Rules) for its fields.
///
/// ```
/// use rum_trace_otlp::sampling::{Condition, Rule, RuleDecision, Rules};
///
/// let mut rule = Rule::new(RuleDecision::In);
/// rule.name = Some("complaint 4711".to_owned());
/// rule.session = Condition::any_of(["4f04d2f5a1b2c3d4"]);
/// let rules = Rules::new([rule]);
/// # let _ = rules;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// What the span says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `session.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Condition>,
    /// `user.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Condition>,
    /// `rum.app.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Condition>,
    /// `rum.app.type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_type: Option<Condition>,
    /// `rum.app.version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Condition>,
    /// `http.request.method`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Condition>,
    /// `url.path`; of a gRPC call `/package.Service/Method`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Condition>,
    /// `http.route`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Condition>,
    /// What is decided.
    pub decision: RuleDecision,
}

impl Rule {
    /// One that matches everything, so far.
    #[must_use]
    pub fn new(decision: RuleDecision) -> Self {
        Rule {
            name: None,
            session: None,
            user: None,
            app: None,
            app_type: None,
            version: None,
            method: None,
            path: None,
            route: None,
            decision,
        }
    }
}

/// What a rule decides: in data `"in"`, `"out"`, or a number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RuleDecision {
    /// Sampled, whatever the cap is.
    In,
    /// Not sampled.
    Out,
    /// One part of the sessions, and of the traces without one, within the cap: 0.1 is
    /// one in ten. What is no ratio samples nothing.
    Ratio(f64),
}

impl RuleDecision {
    pub(super) fn threshold(self) -> Option<Threshold> {
        match self {
            RuleDecision::In => Some(Threshold::always()),
            RuleDecision::Out => None,
            RuleDecision::Ratio(ratio) => Threshold::of_ratio(ratio),
        }
    }
}

impl Serialize for RuleDecision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RuleDecision::In => serializer.serialize_str("in"),
            RuleDecision::Out => serializer.serialize_str("out"),
            RuleDecision::Ratio(ratio) => serializer.serialize_f64(*ratio),
        }
    }
}

impl<'de> Deserialize<'de> for RuleDecision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InOutOrRatio)
    }
}

struct InOutOrRatio;

impl Visitor<'_> for InOutOrRatio {
    type Value = RuleDecision;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"in\", \"out\", or a ratio from 0 to 1")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RuleDecision, E> {
        match text {
            "in" => Ok(RuleDecision::In),
            "out" => Ok(RuleDecision::Out),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }

    fn visit_f64<E: de::Error>(self, ratio: f64) -> Result<RuleDecision, E> {
        if !(0.0..=1.0).contains(&ratio) {
            return Err(E::invalid_value(Unexpected::Float(ratio), &self));
        }
        Ok(RuleDecision::Ratio(ratio))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<RuleDecision, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<RuleDecision, E> {
        self.visit_f64(number as f64)
    }
}
