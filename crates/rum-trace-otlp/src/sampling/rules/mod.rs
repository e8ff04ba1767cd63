//! Rules, as data.

mod compiled;
mod condition;
mod data;
mod parse;
mod texts;

use std::slice;

use serde::{Deserialize, Serialize};

pub(super) use self::compiled::Ruleset;
pub use self::condition::Condition;
pub use self::data::{Rule, RuleDecision};
pub(super) use self::parse::read;

/// Rules that force chosen requests in or out, or sample them at a ratio of their own.
/// The first that matches decides.
///
/// In TOML each is a table `[[rules]]`, in JSON an object of the list `rules`:
///
/// ```
/// use rum_trace_otlp::sampling::Rules;
///
/// let rules = Rules::from_toml(
///     r#"
///     [[rules]]
///     name = "complaint 4711"     # what the span says; else `rule 1`, `rule 2`, …
///     user = "uid_4711"
///     decision = "in"             # always, whatever the cap is
///
///     [[rules]]
///     app = ["shop@1a2b", "shop@3c4d"]
///     version = "5.1.*"           # with a star at the end: all that begin so
///     route = "/checkout/{id}"
///     method = "POST"
///     decision = 0.5              # a ratio, within the cap
///
///     [[rules]]
///     path = "/health*"
///     decision = "out"
///     "#,
/// )?;
/// assert_eq!(rules.len(), 3);
/// let same = Rules::from_json(&serde_json::to_string(&rules)?)?;
/// assert_eq!(same, rules);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A rule matches if all that it names does: `session`, `user`, `app` (pid in the RUM
/// product), `app_type`, `version`, `method`, `path` and `route`, each one text or a list
/// of which one must fit. A rule that names nothing matches everything. Texts are
/// compared as they are on the span: where [`Privacy`](rum_trace_core::Privacy) hashes
/// ids, write the hashed ones.
///
/// `route` is the template that `http.route` has. On actix-web the router runs after the
/// decision, so that a rule with a route has it looked up once more, for requests that
/// fit the rule otherwise; put such rules last. In rum-trace's `tracing` mode neither
/// actix-web's routes are known that early, nor the path and method of a gRPC call, and
/// such a rule does not match there.
///
/// `method`, `path` and `route` are those of requests that come in. Spans of one's own that
/// begin a trace, as those of jobs, have none, also if they are calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Rules {
    #[serde(default)]
    rules: Vec<Rule>,
}

impl Rules {
    /// These, in this order.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Rules {
            rules: rules.into_iter().collect(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// In their order.
    pub fn iter(&self) -> slice::Iter<'_, Rule> {
        self.rules.iter()
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Rules::new(rules)
    }
}
