//! The overhead over loopback sockets, exporting. Fails if the limit is missed.

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rum_trace_bench_harness::table::Table;
use rum_trace_bench_harness::{record, rounds};
use rum_trace_bench_overhead::export::{self, Exports};
use rum_trace_bench_overhead::limits::{self, Limit};
use rum_trace_bench_overhead::peers::TOWER;
use rum_trace_bench_overhead::sockets::book::Book;
use rum_trace_bench_overhead::sockets::scale::{Scale, over};
use rum_trace_bench_overhead::sockets::spin::Spin;
use rum_trace_bench_overhead::sockets::{client, server};
use rum_trace_bench_overhead::timing::Quartiles;
use rum_trace_bench_overhead::{catalogue, report};
use rum_trace_bench_requests::axum::{Layered, router};
use rum_trace_bench_requests::load::{Carrier, Load};
use rum_trace_bench_requests::ours::{NOTHING, OURS};
use rum_trace_bench_requests::row::{self, Framework, Group, Maker};
use rum_trace_bench_requests::{program, sdk};

const HEAD: &str = "\
One process: axum on one thread and core, eight keep-alive loopback connections from
another; W3C, sampled, exporting. The layer is another, at random, every 330 requests.
+us: the server thread's CPU time a request over that of a layer that does nothing, in
the same round of all layers; the median of ROUNDS rounds. Spin: the layer that only
spins for so long and costs the same, linear between those measured (~: beyond the
longest). Both as the median of REPETITIONS repetitions, (least ... most).
";

const SPINS: [(&str, f64); 3] = [
    ("a layer that spins for 1.5 us", 1.5),
    ("a layer that spins for 3 us", 3.0),
    ("a layer that spins for 6 us", 6.0),
];
const REPETITIONS: usize = 7;
const LOAD: Load = Load::new(Carrier::W3c, true);

struct Row {
    name: &'static str,
    layered: Layered,
    /// Of its span, if it has one.
    attributes: Option<usize>,
    /// Microseconds that it spins; the layer that does nothing is a spin as well.
    spins: Option<f64>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rounds = rounds::given(40)?;
    let exports = Exports::start()?;
    let rows = rows()?;
    let base = position(&rows, NOTHING);
    let measured = measure(&rows, rounds * REPETITIONS)?;
    let repetitions: Vec<Vec<f64>> = measured
        .chunks_exact(rounds)
        .map(|rounds| over(rounds, base))
        .collect();
    let scales: Vec<Scale> = repetitions
        .iter()
        .map(|costs| scale(&rows, costs))
        .collect();

    let head = HEAD.replace("ROUNDS", &rounds.to_string());
    let head = head.replace("REPETITIONS", &REPETITIONS.to_string());
    let mut out = format!("{}\n{head}\n", record::machine());
    out += &table(&rows, &repetitions, &scales);
    out += &format!("\n{}\n\n", exports.account());
    let spin = |name| spins(position(&rows, name), &repetitions, &scales).median;
    let what = format!("axum, W3C, sampled, exporting, over a socket: spin of {TOWER}");
    let limit = Limit::share(what, spin(OURS), spin(TOWER), 0.50);
    let (section, hold) = limits::section(&[limit]);
    out += &section;
    Ok(record::finish("sockets", &out, hold)?)
}

fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let attributes = attributes()?;
    let row = |maker: &Maker| {
        let name = maker.name();
        Some(Row {
            name,
            layered: maker.layered()?,
            attributes: attributes.get(name).copied().flatten(),
            spins: (name == NOTHING).then_some(0.0),
        })
    };
    let mut rows: Vec<Row> = export::makers().iter().filter_map(row).collect();
    let spinning = SPINS.map(|(name, spins)| Row {
        name,
        layered: Layered::plain(router().layer(Spin(Duration::from_secs_f64(spins * 1e-6)))),
        attributes: None,
        spins: Some(spins),
    });
    // Below the layer that does nothing.
    let after = position(&rows, NOTHING) + 1;
    rows.splice(after..after, spinning);
    Ok(rows)
}

/// By the names of the rows that drop their spans: the same spans.
fn attributes() -> Result<HashMap<&'static str, Option<usize>>, Box<dyn Error>> {
    let group = Group {
        framework: Framework::Axum,
        load: LOAD,
    };
    let mut rows = catalogue::all();
    rows.retain(|row| row.group == group);
    let allocated = program::allocated("overhead-allocations", &rows)?;
    let names = rows.iter().map(row::Row::name);
    Ok(names
        .zip(allocated.iter().map(|own| own.attributes))
        .collect())
}

fn position(rows: &[Row], name: &str) -> usize {
    let found = rows.iter().position(|row| row.name == name);
    found.expect("it is one of the rows")
}

/// Microseconds of CPU time a request, by round and row.
fn measure(rows: &[Row], rounds: usize) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let book = Arc::new(Mutex::new(Book::new(rows.len(), rounds)));
    let layers = rows.iter().map(|row| row.layered.clone()).collect();
    let address = server::start(layers, Arc::clone(&book))?;
    sdk::export(true);
    let full = || {
        book.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_full()
    };
    // In a thread, so that the core it keeps to is not that of what follows.
    std::thread::scope(|scope| {
        let client = scope.spawn(move || client::run(address, LOAD, full));
        client.join().expect("the client does not panic")
    })?;
    sdk::export(false);
    let book = book.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(book.rounds().to_vec())
}

fn scale(rows: &[Row], costs: &[f64]) -> Scale {
    let points = rows.iter().zip(costs);
    Scale::new(
        points
            .filter_map(|(row, cost)| Some((row.spins?, *cost)))
            .collect(),
    )
}

/// The middle of all repetitions, and the ends.
fn ends(mut values: Vec<f64>) -> Quartiles {
    values.sort_by(f64::total_cmp);
    Quartiles {
        low: values.first().copied().unwrap_or(f64::NAN),
        median: Quartiles::of(values.clone()).median,
        high: values.last().copied().unwrap_or(f64::NAN),
    }
}

fn spins(row: usize, repetitions: &[Vec<f64>], scales: &[Scale]) -> Quartiles {
    let both = repetitions.iter().zip(scales);
    ends(both.map(|(costs, scale)| scale.spin(costs[row])).collect())
}

fn table(rows: &[Row], repetitions: &[Vec<f64>], scales: &[Scale]) -> String {
    let head = [
        "over a socket",
        "+us",
        "",
        "costs as a spin of, us",
        "",
        "attributes",
    ];
    let mut table = Table::new(&head);
    let range = |Quartiles { low, high, .. }| format!("({low:.2} ... {high:.2})");
    for (at, row) in rows.iter().enumerate() {
        let costs = ends(repetitions.iter().map(|costs| costs[at]).collect());
        let spins = spins(at, repetitions, scales);
        let beyond = scales
            .first()
            .is_some_and(|scale| spins.median > scale.longest());
        table.row([
            row.name.to_owned(),
            format!("{:.2}", costs.median),
            range(costs),
            format!("{}{:.2}", if beyond { "~" } else { "" }, spins.median),
            range(spins),
            report::attributes(row.attributes),
        ]);
    }
    table.to_string()
}
