//! The overhead of ours and of the peers, in process. Fails if a limit is missed.

use std::error::Error;
use std::process::ExitCode;

use rum_trace_bench_harness::{record, rounds};
use rum_trace_bench_overhead::export::{self, Exports};
use rum_trace_bench_overhead::figures::All;
use rum_trace_bench_overhead::limits::{self, Limit};
use rum_trace_bench_overhead::peers::TOWER;
use rum_trace_bench_overhead::timing::{Caches, measure};
use rum_trace_bench_overhead::{catalogue, report};
use rum_trace_bench_requests::ours::OURS;
use rum_trace_bench_requests::row::Framework;
use rum_trace_bench_requests::{program, sdk};

const HEAD: &str = "\
One process, requests served without sockets: GET /users/{id} with host, user agent,
peer address and a browser's trace headers. Each row is over the bare framework in the
same round, bare is what it takes itself. +ns: the median of ROUNDS interleaved rounds,
(quarters); cold: with 256 KiB touched before each request. Allocations and bytes are
exact (~: the usual request, some differ); instructions by callgrind. Spans end in a
processor that drops them, rum-trace's in its pipeline without an exporter, which does;
attributes are counted in a run of their own. Log lines are written by none. Where spans
are exported, instructions are those of all threads: request, export, and a collector that
only counts.
";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rounds = rounds::given(700)?;
    let mut out = format!(
        "{}\n{}\n",
        record::machine(),
        HEAD.replace("ROUNDS", &rounds.to_string())
    );
    let all = All::measure(&catalogue::all(), rounds)?;
    out += &report::in_process(&all);
    let mut limits = limits::in_process(&all);
    limits.push(exporting(&all, rounds, &mut out)?);
    let (section, hold) = limits::section(&limits);
    out += &section;
    Ok(record::finish("overhead", &out, hold)?)
}

/// The rows that export, cold: what is nearest to a real server.
fn exporting(all: &All, rounds: usize, out: &mut String) -> Result<Limit, Box<dyn Error>> {
    let exports = Exports::start()?;
    let rows = export::exporting();
    sdk::export(true);
    let instructions = program::instructions_exporting("overhead-export", &rows)?;
    let cold = measure(&rows, rounds, Caches::Cold);
    sdk::export(false);
    *out += &report::exporting(all, &rows, &cold, &instructions);
    *out += &format!("{}\n\n", exports.account());
    let median = |name: &str| {
        let found = rows
            .iter()
            .zip(&cold)
            .find(|(row, _)| row.group.framework == Framework::Axum && row.name() == name);
        found.map_or(f64::NAN, |(_, cold)| cold.median)
    };
    let what = format!("axum, W3C, sampled, exporting, cold: ns of {TOWER}");
    Ok(Limit::share(what, median(OURS), median(TOWER), 0.50))
}
