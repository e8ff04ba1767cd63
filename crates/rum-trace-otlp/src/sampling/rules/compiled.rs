//! Rules, ready to be asked.

use std::sync::Arc;

use rum_trace_core::RumKey;

use super::texts::{Places, Texts};
use super::{Condition, Rule, RuleDecision, Rules};
use crate::sampling::facts::Facts;
use crate::sampling::probability::Threshold;

/// The rules and what they are asked by.
#[derive(Debug, Default)]
pub(in crate::sampling) struct Ruleset {
    pub(in crate::sampling) data: Rules,
    pub(in crate::sampling) asks_for_route: bool,
    blocks: Vec<Block>,
}

/// What a rule decides.
#[derive(Debug)]
pub(in crate::sampling) struct Compiled {
    pub(in crate::sampling) name: Arc<str>,
    /// `None`: nothing is sampled.
    pub(in crate::sampling) threshold: Option<Threshold>,
    /// Whatever the cap is.
    pub(in crate::sampling) is_forced: bool,
}

/// As many rules as have places in a number. Each fact is looked at once for all of them,
/// first those that leave the fewest rules.
#[derive(Debug)]
struct Block {
    rules: Vec<Compiled>,
    /// Those that some rule says something of.
    rum: Vec<(RumKey, Texts)>,
    paths: Texts,
    methods: Texts,
    /// Apart, since it may have to be looked up.
    routes: Texts,
}

type ConditionOf = fn(&Rule) -> Option<&Condition>;

const RUM: [(RumKey, ConditionOf); 5] = [
    (RumKey::SessionId, |it| it.session.as_ref()),
    (RumKey::UserId, |it| it.user.as_ref()),
    (RumKey::AppId, |it| it.app.as_ref()),
    (RumKey::AppType, |it| it.app_type.as_ref()),
    (RumKey::AppVersion, |it| it.version.as_ref()),
];

impl Ruleset {
    pub(in crate::sampling) fn new(data: Rules) -> Self {
        let numbered: Vec<(usize, &Rule)> = data.iter().enumerate().collect();
        let blocks = numbered.chunks(Places::BITS as usize);
        Ruleset {
            asks_for_route: data.iter().any(|rule| rule.route.is_some()),
            blocks: blocks.map(Block::new).collect(),
            data,
        }
    }

    /// The first that matches.
    #[inline(never)]
    pub(in crate::sampling) fn matching(&self, facts: &Facts<'_>) -> Option<&Compiled> {
        self.blocks.iter().find_map(|block| block.matching(facts))
    }
}

impl Block {
    fn new(rules: &[(usize, &Rule)]) -> Self {
        let texts = |of: ConditionOf| Texts::of(rules.iter().map(|(_, rule)| of(rule)));
        let rum = RUM.map(|(key, of)| (key, texts(of))).into_iter();
        Block {
            rules: rules.iter().map(Compiled::new).collect(),
            rum: rum.filter(|(_, texts)| !texts.is_empty()).collect(),
            paths: texts(|rule| rule.path.as_ref()),
            methods: texts(|rule| rule.method.as_ref()),
            routes: texts(|rule| rule.route.as_ref()),
        }
    }

    fn matching(&self, facts: &Facts<'_>) -> Option<&Compiled> {
        let mut left = Places::MAX >> (Places::BITS as usize - self.rules.len());
        for (key, texts) in &self.rum {
            // Unless those that are left say nothing of it.
            if left & !texts.free != 0 {
                left &= facts
                    .rum
                    .get(*key)
                    .map_or(texts.free, |text| texts.fitting(text));
            }
        }
        if left & !self.paths.free != 0 {
            left &= self.paths.fitting(&facts.path);
        }
        if left & !self.methods.free != 0 {
            left &= self.methods.fitting(facts.method);
        }
        self.first(left, facts)
    }

    fn first(&self, left: Places, facts: &Facts<'_>) -> Option<&Compiled> {
        let first = |left: Places| self.rules.get(left.trailing_zeros() as usize);
        let says_route = left & left.wrapping_neg() & !self.routes.free != 0;
        if !says_route {
            return first(left);
        }
        let route = facts.route();
        let fitting = route.map_or(self.routes.free, |route| self.routes.fitting(&route));
        first(left & fitting)
    }
}

impl Compiled {
    fn new((place, rule): &(usize, &Rule)) -> Self {
        let name = rule.name.clone();
        let name = name.unwrap_or_else(|| format!("rule {}", place + 1));
        Compiled {
            name: name.into(),
            threshold: rule.decision.threshold(),
            is_forced: rule.decision == RuleDecision::In,
        }
    }
}
