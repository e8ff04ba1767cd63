//! Requests a second on two cores against one. Fails if the limit is missed.

use std::error::Error;
use std::process::ExitCode;

use rum_trace_bench_harness::table::{Table, thousands};
use rum_trace_bench_harness::{record, rounds};
use rum_trace_bench_overhead::catalogue;
use rum_trace_bench_overhead::limits::{self, Limit};
use rum_trace_bench_overhead::order::Order;
use rum_trace_bench_overhead::peers::{TOWER, TOWER_METRICS};
use rum_trace_bench_overhead::scaling::rate;
use rum_trace_bench_overhead::timing::Quartiles;
use rum_trace_bench_requests::axum::Layered;
use rum_trace_bench_requests::load::{Carrier, Load};
use rum_trace_bench_requests::ours::{METRICS, NOTHING, OURS, PRIVATE};
use rum_trace_bench_requests::row::{BARE, Maker};

const HEAD: &str = "\
One process, axum, requests served without sockets, so that both cores serve and none
is a client's: one thread, or two that share the layer, each on a core of its own, as
fast as they can for 20 ms. W3C, sampled, spans dropped when they end. Medians of
ROUNDS interleaved rounds, (quarters).
";

/// Those without a subscriber: `tracing`'s scoped default is no service's way.
const ROWS: [&str; 7] = [BARE, NOTHING, TOWER, TOWER_METRICS, OURS, PRIVATE, METRICS];
/// What is judged.
const JUDGED: [&str; 3] = [OURS, PRIVATE, METRICS];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rounds = rounds::given(60)?;
    let rows = rows();
    let measured = measure(&rows, rounds);

    let mut out = format!(
        "{}\n{}\n",
        record::machine(),
        HEAD.replace("ROUNDS", &rounds.to_string())
    );
    out += &table(&rows, &measured);
    let factor = |name: &str| {
        let found = rows.iter().position(|(row, _)| *row == name);
        found.map_or(f64::NAN, |at| measured[at].factor.median)
    };
    // 1.8, or what bare reaches.
    let limit = factor(BARE).min(1.8);
    let limits = JUDGED.map(|name| {
        Limit::at_least(
            format!("axum, W3C, sampled, {name}: two cores against one"),
            factor(name),
            limit,
        )
    });
    let (section, hold) = limits::section(&limits);
    out += &format!("\n{section}");
    Ok(record::finish("scaling", &out, hold)?)
}

fn rows() -> Vec<(&'static str, Layered)> {
    let makers = catalogue::makers();
    let layered = |name: &&'static str| {
        let mut found = makers.iter().filter(|maker| maker.name() == *name);
        let layered = found.find_map(Maker::layered);
        (*name, layered.expect("it is one of the rows on axum"))
    };
    ROWS.iter().map(layered).collect()
}

struct Measured {
    one: Quartiles,
    two: Quartiles,
    factor: Quartiles,
}

fn measure(rows: &[(&str, Layered)], rounds: usize) -> Vec<Measured> {
    let load = Load::new(Carrier::W3c, true);
    let mut rates = vec![(Vec::new(), Vec::new()); rows.len()];
    let mut order = Order::new(rows.len());
    for _ in 0..rounds {
        for &at in order.shuffled() {
            let (_, layered) = &rows[at];
            rates[at].0.push(rate(layered, load, 1));
            rates[at].1.push(rate(layered, load, 2));
        }
    }
    let measured = |(one, two): (Vec<f64>, Vec<f64>)| Measured {
        factor: Quartiles::of(one.iter().zip(&two).map(|(one, two)| two / one).collect()),
        one: Quartiles::of(one),
        two: Quartiles::of(two),
    };
    rates.into_iter().map(measured).collect()
}

fn table(rows: &[(&str, Layered)], measured: &[Measured]) -> String {
    let head = [
        "requests a second",
        "one core",
        "two cores",
        "factor",
        "(quarters)",
    ];
    let mut table = Table::new(&head);
    for ((name, _), Measured { one, two, factor }) in rows.iter().zip(measured) {
        table.row([
            (*name).to_owned(),
            thousands(one.median),
            thousands(two.median),
            format!("{:.2}", factor.median),
            format!("({:.2} ... {:.2})", factor.low, factor.high),
        ]);
    }
    table.to_string()
}
