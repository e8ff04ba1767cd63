//! Rules, ready to be asked.

use std::sync::Arc;

use rum_trace_core::RumKey;

use super::{Condition, Rule, RuleDecision, Rules};
use crate::sampling::facts::Facts;
use crate::sampling::probability::Threshold;

/// The rules and what they are asked by.
#[derive(Debug, Default)]
pub(in crate::sampling) struct Ruleset {
    pub(in crate::sampling) data: Rules,
    pub(in crate::sampling) asks_for_route: bool,
    rules: Vec<Compiled>,
}

/// One rule.
#[derive(Debug)]
pub(in crate::sampling) struct Compiled {
    pub(in crate::sampling) name: Arc<str>,
    /// `None`: nothing is sampled.
    pub(in crate::sampling) threshold: Option<Threshold>,
    /// Whatever the cap is.
    pub(in crate::sampling) is_forced: bool,
    /// Those that are cheap to look at first, the route last.
    conditions: Vec<(Fact, Condition)>,
}

/// What of a request a condition is for.
#[derive(Clone, Copy, Debug)]
enum Fact {
    Rum(RumKey),
    Method,
    Path,
    Route,
}

impl Ruleset {
    pub(in crate::sampling) fn new(data: Rules) -> Self {
        let rules = data.iter().enumerate();
        Ruleset {
            rules: rules.map(|(at, rule)| Compiled::new(at, rule)).collect(),
            asks_for_route: data.iter().any(|rule| rule.route.is_some()),
            data,
        }
    }

    /// The first that matches.
    pub(in crate::sampling) fn matching(&self, facts: &dyn Facts) -> Option<&Compiled> {
        self.rules.iter().find(|rule| rule.matches(facts))
    }
}

impl Compiled {
    fn new(at: usize, rule: &Rule) -> Self {
        let name = rule.name.clone();
        let conditions = [
            (Fact::Rum(RumKey::AppType), &rule.app_type),
            (Fact::Rum(RumKey::AppId), &rule.app),
            (Fact::Rum(RumKey::AppVersion), &rule.version),
            (Fact::Rum(RumKey::SessionId), &rule.session),
            (Fact::Rum(RumKey::UserId), &rule.user),
            (Fact::Method, &rule.method),
            (Fact::Path, &rule.path),
            (Fact::Route, &rule.route),
        ];
        let conditions = conditions.into_iter();
        Compiled {
            name: name.unwrap_or_else(|| format!("rule {}", at + 1)).into(),
            threshold: rule.decision.threshold(),
            is_forced: rule.decision == RuleDecision::In,
            conditions: conditions
                .filter_map(|(fact, condition)| Some((fact, condition.clone()?)))
                .collect(),
        }
    }

    fn matches(&self, facts: &dyn Facts) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.all(|(fact, condition)| fact.fits(facts, condition))
    }
}

impl Fact {
    fn fits(self, facts: &dyn Facts, condition: &Condition) -> bool {
        match self {
            Fact::Rum(key) => facts.rum().get(key).is_some_and(|it| condition.fits(it)),
            Fact::Method => condition.fits(facts.method()),
            Fact::Path => condition.fits(&facts.path()),
            Fact::Route => facts.route().is_some_and(|it| condition.fits(&it)),
        }
    }
}
