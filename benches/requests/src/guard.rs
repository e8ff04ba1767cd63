//! The guard: what a request allocates and executes, against the record. Neither
//! hangs on the clock, so that a busy machine judges as well as an idle one.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use rum_trace_bench_harness::record;
use rum_trace_bench_harness::table::{Table, thousands};
use serde_json::{Value, json};

use crate::load::{Carrier, Load};
use crate::ours::{OURS, RUM_TRACE, YARDSTICKS};
use crate::program::{self, Allocated};
use crate::row::{Maker, Row, rows};

/// How far instructions may be from the record, in parts of it.
pub const TOLERANCE: f64 = 0.03;

/// What a row costs over the bare framework.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Allocations a request.
    pub allocations: i64,
    /// Bytes that they ask for.
    pub bytes: i64,
    /// Instructions a request.
    pub instructions: f64,
}

/// Costs by the names of the rows.
pub type Costs = BTreeMap<String, Cost>;

/// What the guard's programs know: the bare frameworks and ours.
#[must_use]
pub fn makers() -> Vec<Maker> {
    let bare = YARDSTICKS
        .iter()
        .filter(|maker| maker.name() == crate::row::BARE);
    bare.chain(&RUM_TRACE).copied().collect()
}

/// The rows that are guarded, and the bare ones: with W3C all of ours, with the
/// other carriers the default.
fn guarded() -> Vec<Row> {
    let mut rows = rows(&makers(), &Load::ALL);
    rows.retain(|row| {
        let Load { carrier, sampled } = row.group.load;
        carrier == Carrier::W3c || (sampled && (row.is_bare() || row.name() == OURS))
    });
    rows
}

/// Measures all rows.
///
/// # Errors
///
/// If a program is missing or fails, valgrind included.
pub fn measure() -> Result<Costs, Box<dyn Error>> {
    let rows = guarded();
    let allocated = program::allocated("guard-allocations", &rows)?;
    let instructions = program::instructions("guard-serve", &rows)?;
    let measured: Vec<_> = rows
        .iter()
        .zip(allocated.into_iter().zip(instructions))
        .collect();
    let over_bare = |&(row, (own, count)): &(&Row, (Allocated, f64))| {
        let bare = |(other, _): &&(&Row, _)| other.is_bare() && other.group == row.group;
        let (_, (bare, least)) = measured.iter().find(bare)?;
        let cost = Cost {
            allocations: own.count - bare.count,
            bytes: own.bytes - bare.bytes,
            instructions: count - least,
        };
        Some((row.id(), cost)).filter(|_| !row.is_bare())
    };
    Ok(measured.iter().filter_map(over_bare).collect())
}

/// How a row stands against the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As recorded.
    Holds,
    /// Cheaper than recorded: a new record keeps it that way.
    Better,
    /// Dearer than recorded, or not recorded.
    Missed,
}

/// Judges one row.
#[must_use]
pub fn judge(recorded: Option<Cost>, measured: Cost) -> Verdict {
    let Some(recorded) = recorded else {
        return Verdict::Missed;
    };
    let room = recorded.instructions * TOLERANCE;
    let more = measured.instructions - recorded.instructions;
    if measured.allocations > recorded.allocations || more > room {
        Verdict::Missed
    } else if measured.allocations < recorded.allocations || more < -room {
        Verdict::Better
    } else {
        Verdict::Holds
    }
}

/// The table of old and new, and the worst verdict. A row of the record that is
/// measured no more is missed, too.
#[must_use]
pub fn compare(recorded: &Costs, measured: &Costs) -> (String, Verdict) {
    let head = [
        "over bare, a request",
        "allocations",
        "was",
        "bytes",
        "was",
        "instructions",
        "was",
        "change",
        "",
    ];
    let mut table = Table::new(&head);
    let mut verdicts = Vec::new();
    for (name, &cost) in measured {
        let old = recorded.get(name).copied();
        let verdict = judge(old, cost);
        verdicts.push(verdict);
        table.row(line(name, old, cost, verdict));
    }
    for name in recorded.keys().filter(|name| !measured.contains_key(*name)) {
        verdicts.push(Verdict::Missed);
        table.row([name.as_str(), "not measured"]);
    }
    let any = |wanted| verdicts.contains(&wanted);
    let worst = if any(Verdict::Missed) {
        Verdict::Missed
    } else if any(Verdict::Better) {
        Verdict::Better
    } else {
        Verdict::Holds
    };
    (table.to_string(), worst)
}

fn line(name: &str, old: Option<Cost>, new: Cost, verdict: Verdict) -> [String; 9] {
    let was = |figure: fn(Cost) -> f64| old.map_or("-".to_owned(), |old| thousands(figure(old)));
    let change = old.map(|old| (new.instructions / old.instructions - 1.0) * 100.0);
    [
        name.to_owned(),
        new.allocations.to_string(),
        was(|cost| cost.allocations as f64),
        thousands(new.bytes as f64),
        was(|cost| cost.bytes as f64),
        thousands(new.instructions),
        was(|cost| cost.instructions),
        change.map_or("-".to_owned(), |change| format!("{change:+.1} %")),
        match verdict {
            Verdict::Holds => String::new(),
            Verdict::Better => "better".to_owned(),
            Verdict::Missed => "MISSED".to_owned(),
        },
    ]
}

/// Where the record is.
#[must_use]
pub fn path() -> PathBuf {
    record::folder().join("guard.json")
}

/// The compiler of the record, and its costs.
///
/// # Errors
///
/// If there is no record, or nobody wrote it with [`write`].
pub fn read() -> Result<(String, Costs), Box<dyn Error>> {
    let text = fs::read_to_string(path()).map_err(|error| {
        format!(
            "{}: {error}; `benches/guard --record` makes it",
            path().display()
        )
    })?;
    let value: Value = serde_json::from_str(&text)?;
    let rustc = value["rustc"].as_str().ok_or("the record has no rustc")?;
    let rows = value["rows"].as_object().ok_or("the record has no rows")?;
    let cost = |value: &Value| {
        Some(Cost {
            allocations: value["allocations"].as_i64()?,
            bytes: value["bytes"].as_i64()?,
            instructions: value["instructions"].as_f64()?,
        })
    };
    let costs = rows.iter().map(|(name, value)| {
        let cost = cost(value).ok_or_else(|| format!("{name}: a number is missing"));
        cost.map(|cost| (name.clone(), cost))
    });
    Ok((rustc.to_owned(), costs.collect::<Result<_, _>>()?))
}

/// Writes the record.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write(costs: &Costs) -> Result<(), Box<dyn Error>> {
    let row = |(name, cost): (&String, &Cost)| {
        let numbers = json!({
            "allocations": cost.allocations,
            "bytes": cost.bytes,
            "instructions": cost.instructions.round(),
        });
        (name.clone(), numbers)
    };
    let rows: serde_json::Map<String, Value> = costs.iter().map(row).collect();
    let record = json!({ "recorded": record::today(), "rustc": record::rustc(), "rows": rows });
    fs::write(path(), serde_json::to_string_pretty(&record)? + "\n")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Cost, Costs, Verdict, compare, judge};

    const RECORDED: Cost = Cost {
        allocations: 20,
        bytes: 4_000,
        instructions: 10_000.0,
    };

    fn judged(allocations: i64, instructions: f64) -> Verdict {
        let measured = Cost {
            allocations,
            instructions,
            ..RECORDED
        };
        judge(Some(RECORDED), measured)
    }

    #[test]
    fn one_allocation_more_is_one_too_many() {
        assert_eq!(judged(20, 10_000.0), Verdict::Holds);
        assert_eq!(judged(21, 10_000.0), Verdict::Missed);
        assert_eq!(judged(21, 9_000.0), Verdict::Missed);
        assert_eq!(judged(19, 10_000.0), Verdict::Better);
    }

    #[test]
    fn instructions_have_some_room() {
        assert_eq!(judged(20, 10_299.0), Verdict::Holds);
        assert_eq!(judged(20, 10_301.0), Verdict::Missed);
        assert_eq!(judged(20, 9_701.0), Verdict::Holds);
        assert_eq!(judged(20, 9_699.0), Verdict::Better);
    }

    #[test]
    fn what_only_one_side_knows_is_missed() {
        assert_eq!(judge(None, RECORDED), Verdict::Missed);
        let row = Costs::from([("a row".to_owned(), RECORDED)]);
        assert_eq!(compare(&row, &row).1, Verdict::Holds);
        assert_eq!(compare(&row, &Costs::new()).1, Verdict::Missed);
        assert_eq!(compare(&Costs::new(), &row).1, Verdict::Missed);
    }
}
