//! What was promised, and whether it holds.

use rum_trace_bench_harness::table::{Table, thousands};
use rum_trace_bench_requests::load::{Carrier, Load};
use rum_trace_bench_requests::ours::{METRICS, OURS, PRIVATE, TRACING};
use rum_trace_bench_requests::row::{Framework, Group};

use crate::figures::{All, Figures};
use crate::peers::{ACTIX, AXUM_TRACING, TOWER, TOWER_METRICS, TRACING_BASED};

/// A figure, and what it may be.
#[derive(Clone, Debug)]
pub struct Limit {
    what: String,
    unit: &'static str,
    figure: f64,
    bound: Bound,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Limit {
    /// A share of a peer's overhead.
    #[must_use]
    pub fn share(what: String, ours: f64, peers: f64, limit: f64) -> Self {
        Limit {
            what,
            unit: "x",
            figure: ours / peers,
            bound: Bound::AtMost(limit),
        }
    }

    /// A factor that is to be reached.
    #[must_use]
    pub fn at_least(what: String, figure: f64, limit: f64) -> Self {
        Limit {
            what,
            unit: "x",
            figure,
            bound: Bound::AtLeast(limit),
        }
    }

    /// Whether it holds. What was not measured does not.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.bound {
            Bound::AtMost(limit) => self.figure <= limit,
            Bound::AtLeast(limit) => self.figure >= limit,
        }
    }

    fn line(&self) -> [String; 4] {
        let text = |number: f64| match self.unit {
            "x" => format!("{number:.2} x"),
            unit => format!("{} {unit}", thousands(number)),
        };
        let (bound, limit) = match self.bound {
            Bound::AtMost(limit) => ("at most", limit),
            Bound::AtLeast(limit) => ("at least", limit),
        };
        let verdict = if self.holds() {
            "holds".to_owned()
        } else {
            let off = (self.figure / limit - 1.0) * 100.0;
            format!("MISSED by {:.0} %", off.abs())
        };
        [
            self.what.clone(),
            text(self.figure),
            format!("{bound} {}", text(limit)),
            verdict,
        ]
    }
}

/// The section of the report, and whether all hold.
#[must_use]
pub fn section(limits: &[Limit]) -> (String, bool) {
    let mut table = Table::new(&["limits", "figure", "limit", ""]);
    for limit in limits {
        table.row(limit.line());
    }
    (table.to_string(), limits.iter().all(Limit::holds))
}

const SAMPLED: Load = Load::new(Carrier::W3c, true);
const UNSAMPLED: Load = Load::new(Carrier::W3c, false);

/// The limits of the in-process table.
#[must_use]
pub fn in_process(all: &All) -> Vec<Limit> {
    let mut limits = Vec::new();
    let mut judge = Judge {
        all,
        limits: &mut limits,
    };
    judge.share(Framework::Axum, SAMPLED, OURS, TOWER, 0.60);
    judge.counts(Framework::Axum, SAMPLED, OURS, 26, Some(12_000));
    judge.counts(Framework::Axum, SAMPLED, PRIVATE, 16, Some(9_000));
    judge.share(Framework::Axum, UNSAMPLED, OURS, TOWER, 0.35);
    judge.counts(Framework::Axum, UNSAMPLED, OURS, 14, Some(7_000));
    judge.share(Framework::Actix, SAMPLED, OURS, ACTIX, 0.50);
    judge.counts(Framework::Actix, SAMPLED, OURS, 24, None);
    judge.share(Framework::Actix, UNSAMPLED, OURS, ACTIX, 0.30);
    for load in [SAMPLED, UNSAMPLED] {
        for peer in TRACING_BASED {
            for framework in [Framework::Axum, Framework::Actix] {
                judge.share(framework, load, OURS, peer, 0.33);
            }
        }
    }
    judge.share(Framework::Axum, SAMPLED, TRACING, AXUM_TRACING, 0.60);
    judge.share(Framework::Axum, SAMPLED, METRICS, TOWER_METRICS, 0.75);
    for framework in [Framework::Axum, Framework::Actix] {
        for sampled in [true, false] {
            judge.carriers(framework, sampled);
        }
    }
    limits
}

struct Judge<'a> {
    all: &'a All,
    limits: &'a mut Vec<Limit>,
}

impl Judge<'_> {
    fn find(&self, framework: Framework, load: Load, name: &str) -> Option<&Figures> {
        self.all.find(Group { framework, load }, name)
    }

    /// Ours against a peer, by the clock; nothing if the peer is not for it.
    fn share(&mut self, framework: Framework, load: Load, ours: &str, peer: &str, limit: f64) {
        let own = self.find(framework, load, ours);
        let other = self.find(framework, load, peer);
        if let (Some(own), Some(other)) = (own, other) {
            let what = format!("{}: ns of {peer}", own.row.id());
            let share = Limit::share(what, own.hot.median, other.hot.median, limit);
            self.limits.push(share);
        }
    }

    fn counts(
        &mut self,
        framework: Framework,
        load: Load,
        ours: &str,
        allocations: i64,
        instructions: Option<i64>,
    ) {
        let Some(&own) = self.find(framework, load, ours) else {
            return;
        };
        let mut push = |unit, figure, limit: i64| {
            self.limits.push(Limit {
                what: own.row.id(),
                unit,
                figure,
                bound: Bound::AtMost(limit as f64),
            });
        };
        push("allocations", own.allocations as f64, allocations);
        if let Some(limit) = instructions {
            push("instructions", own.instructions, limit);
        }
    }

    /// sw8 against W3C, both ours.
    fn carriers(&mut self, framework: Framework, sampled: bool) {
        let w3c = self.find(framework, Load::new(Carrier::W3c, sampled), OURS);
        let sw8 = self.find(framework, Load::new(Carrier::Sw8, sampled), OURS);
        if let (Some(w3c), Some(sw8)) = (w3c, sw8) {
            let what = format!("{}: ns of W3C's", sw8.row.id());
            let share = Limit::share(what, sw8.hot.median, w3c.hot.median, 1.3);
            self.limits.push(share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Limit;

    #[test]
    fn what_was_not_measured_does_not_hold() {
        assert!(Limit::share(String::new(), 1.0, 2.0, 0.5).holds());
        assert!(!Limit::share(String::new(), 1.1, 2.0, 0.5).holds());
        assert!(!Limit::share(String::new(), f64::NAN, 2.0, 0.5).holds());
        assert!(Limit::at_least(String::new(), 1.8, 1.8).holds());
        assert!(!Limit::at_least(String::new(), f64::NAN, 1.8).holds());
    }
}
