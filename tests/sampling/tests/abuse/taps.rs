//! Who asks, and who of them is seen at the collector.

use std::sync::atomic::{AtomicU64, Ordering};

use rum_trace_otlp::sampling::{Condition, Rule, RuleDecision, Rules};
use rum_trace_sampling_tests::consistency::id;
use rum_trace_sampling_tests::{Exported, Tap};

use crate::{FORGED, HONEST};

/// Of no other app, session or trace, and to be sampled.
pub(crate) fn forged(number: u64) -> Tap {
    let tap = Tap::get("/items/42").trace(id(number), true);
    tap.rum(
        &format!("app@{number:015x}"),
        &format!("{:032x}", id(!number)),
        "",
    )
}

/// One that the rules name; the client itself did not sample it.
pub(crate) fn real(number: u64) -> Tap {
    let tap = Tap::get("/items/42").trace(id(number + FORGED), false);
    tap.rum("shop@1", &honest_session(number), "")
}

pub(crate) fn honest_in() -> Rules {
    let mut rule = Rule::new(RuleDecision::In);
    rule.name = Some("honest".to_owned());
    rule.session = Condition::any_of((0..HONEST).map(honest_session));
    Rules::new([rule])
}

fn honest_session(number: u64) -> String {
    format!("honest-{number:04}")
}

/// What arrived at the collector.
pub(crate) struct Seen {
    pub(crate) forged: AtomicU64,
    pub(crate) honest: Vec<AtomicU64>,
}

impl Default for Seen {
    fn default() -> Self {
        Seen {
            forged: AtomicU64::new(0),
            honest: (0..HONEST).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Seen {
    pub(crate) fn count(&self, span: &Exported) {
        let counter = match span.session().strip_prefix("honest-") {
            Some(number) => {
                assert_eq!((span.reason(), span.rule()), ("rule", "honest"));
                &self.honest[number.parse::<usize>().expect("a number")]
            }
            None => &self.forged,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
