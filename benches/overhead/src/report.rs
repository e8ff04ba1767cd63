//! The tables as they are printed.

use rum_trace_bench_harness::table::{Table, thousands};
use rum_trace_bench_requests::row::{Group, Row};

use crate::figures::{All, Figures};
use crate::timing::Quartiles;

/// All rows, a table for each group.
#[must_use]
pub fn in_process(all: &All) -> String {
    let mut text = String::new();
    for group in groups(all.0.iter().map(|figures| &figures.row)) {
        let head = group.to_string();
        let head = [
            head.as_str(),
            "+ns",
            "(quarters)",
            "+ns, cold",
            "(quarters)",
            "+allocs",
            "+bytes",
            "+instr.",
            "attributes",
        ];
        let mut table = Table::new(&head);
        for figures in all.0.iter().filter(|figures| figures.row.group == group) {
            table.row(line(figures));
        }
        text += &format!("{table}\n");
    }
    text
}

/// Those that export, a table for each framework. Their spans are those of the
/// rows of the same name in `all`; `instructions` are those of all threads.
#[must_use]
pub fn exporting(all: &All, rows: &[Row], cold: &[Quartiles], instructions: &[f64]) -> String {
    let mut text = String::new();
    for group in groups(rows.iter()) {
        let head = format!("{group}, exporting");
        let mut table = Table::new(&[
            head.as_str(),
            "+ns, cold",
            "(quarters)",
            "+instr., all threads",
            "attributes",
        ]);
        let rows = rows.iter().zip(cold).zip(instructions);
        let rows = rows.filter(|((row, _), _)| row.group == group);
        let mut bare = 0.0;
        for ((row, cold), instructions) in rows {
            let same = all.find(group, row.name());
            let over = instructions - bare;
            if row.is_bare() {
                bare = *instructions;
            }
            table.row([
                row.name().to_owned(),
                thousands(cold.median),
                quarters(*cold),
                thousands(over),
                attributes(same.and_then(|figures| figures.attributes)),
            ]);
        }
        text += &format!("{table}\n");
    }
    text
}

/// The number of a span's attributes, if there is a span.
#[must_use]
pub fn attributes(count: Option<usize>) -> String {
    count.map_or("-".to_owned(), |count| count.to_string())
}

fn groups<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<Group> {
    let mut groups: Vec<Group> = rows.map(|row| row.group).collect();
    groups.dedup();
    groups
}

fn line(figures: &Figures) -> [String; 9] {
    let about = if figures.same { "" } else { "~" };
    [
        figures.row.name().to_owned(),
        thousands(figures.hot.median),
        quarters(figures.hot),
        thousands(figures.cold.median),
        quarters(figures.cold),
        format!("{about}{}", figures.allocations),
        thousands(figures.bytes as f64),
        thousands(figures.instructions),
        attributes(figures.attributes),
    ]
}

fn quarters(quartiles: Quartiles) -> String {
    let Quartiles { low, high, .. } = quartiles;
    format!("({} ... {})", thousands(low), thousands(high))
}
