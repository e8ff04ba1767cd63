//! What reading a request's trace headers takes, beside OpenTelemetry's own
//! propagator and SkyWalking's Rust agent. Fails if ours takes more than its
//! share of their time.

use rum_trace_bench_harness::record;
use rum_trace_bench_harness::rounds::{Spread, Timing, compare};
use rum_trace_benches::parsing::{Comparison, comparisons};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::process::{Command, ExitCode};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let allocations = allocations()?;
    let mut out = format!("{}\n", record::machine());
    out += "ns and ratio are medians over interleaved rounds (10 % … 90 %)\n\n";
    let mut held = true;
    for Comparison { ours, peer, limit } in comparisons() {
        let timing = compare(&ours.run, &peer.run);
        held &= limit.is_none_or(|limit| timing.ratio.median <= limit);
        row(&mut out, ours.name, timing.first, allocations[ours.name])?;
        row(&mut out, peer.name, timing.second, allocations[peer.name])?;
        verdict(&mut out, timing, limit)?;
    }
    print!("{out}");
    if std::env::args().any(|argument| argument == "--record") {
        let path = record::write("parsing", &out)?;
        println!("recorded in {}", path.display());
    }
    Ok(if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn row(out: &mut String, name: &str, nanos: Spread, allocations: u64) -> std::fmt::Result {
    let Spread { low, median, high } = nanos;
    let range = format!("({low:.0} … {high:.0})");
    writeln!(
        out,
        "{name:<46}{median:>8.0} ns {range:<16}{allocations:>3} allocations"
    )
}

fn verdict(out: &mut String, timing: Timing, limit: Option<f64>) -> std::fmt::Result {
    let Spread { low, median, high } = timing.ratio;
    write!(out, "  ratio {median:.3} ({low:.3} … {high:.3})")?;
    match limit {
        None => writeln!(out, "\n"),
        Some(limit) if median <= limit => writeln!(out, ", limit {limit:.2} holds\n"),
        Some(limit) => writeln!(out, ", limit {limit:.2} DOES NOT HOLD\n"),
    }
}

/// Counted by a program of its own: the counter sits in the allocator, and
/// would make the side that allocates more look slower here.
fn allocations() -> Result<HashMap<String, u64>, Box<dyn Error>> {
    let program = std::env::current_exe()?.with_file_name("parsing-allocations");
    let output = Command::new(&program).output();
    let output = output.map_err(|e| format!("{}: {e}; start benches/run", program.display()))?;
    if !output.status.success() {
        return Err(format!("{} failed", program.display()).into());
    }
    let lines = String::from_utf8(output.stdout)?;
    let lines = lines.lines().filter_map(|line| line.split_once('\t'));
    lines
        .map(|(name, count)| Ok((name.to_owned(), count.parse()?)))
        .collect()
}
