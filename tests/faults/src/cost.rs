//! What a span costs: the export side in CPU time, and the thread that ends it.

mod export;
mod hand;
mod sink;

use std::process::{Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use rustix::time::{ClockId, clock_gettime};
use serde::de::DeserializeOwned;

pub(crate) use self::export::{ExportSetup, run as export};
pub(crate) use self::hand::{HandSetup, run as hand};
use self::sink::Sink;
use crate::{BoxError, say};

/// The pipelines that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Variant {
    /// Spans of a provider that has no processor.
    None,
    /// The SDK's, with its defaults.
    Sdk,
    /// The SDK's, with our sizes of queue and batch.
    SdkTuned,
    /// Ours, with its defaults.
    Ours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    Http,
    Grpc,
}

impl Variant {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Both measurements. False if ours costs more than it may.
pub(crate) fn measure(quick: bool) -> Result<bool, BoxError> {
    let sink = Sink::start()?;
    let exported = measure_export(&sink, if quick { 3 } else { 7 })?;
    let handed = measure_hand(&sink)?;
    Ok(exported && handed)
}

/// CPU time of all threads but the one that makes the spans, in processes of
/// their own, in turn.
fn measure_export(sink: &Sink, rounds: usize) -> Result<bool, BoxError> {
    const VARIANTS: [Variant; 3] = [Variant::Sdk, Variant::SdkTuned, Variant::Ours];
    say("\nCPU of the export side, ns a span that arrived (median of the rounds, least and most)");
    let mut holds = true;
    for transport in [Transport::Http, Transport::Grpc] {
        let mut rows: [Vec<f64>; 3] = Default::default();
        for _ in 0..rounds {
            for (row, variant) in rows.iter_mut().zip(VARIANTS) {
                let cost: export::Cost = child(&export::arguments(sink, transport, variant))?;
                row.push(cost.cpu_ns as f64 / cost.exported.max(1) as f64);
            }
        }
        for (row, variant) in rows.iter_mut().zip(VARIANTS) {
            row.sort_by(f64::total_cmp);
            let (least, most) = (row[0], row[row.len() - 1]);
            say(&format!(
                "  {transport:?} {:<10} {:>6.0}  ({least:.0} to {most:.0})",
                variant.name(),
                median(row),
            ));
        }
        if median(&rows[2]) > median(&rows[0]) {
            holds = false;
            say("    MISSED: more than the SDK's");
        }
    }
    Ok(holds)
}

/// Of the thread that ends the span, beside a provider without processors.
fn measure_hand(sink: &Sink) -> Result<bool, BoxError> {
    const LIMIT: f64 = 500.0;
    say("\nThe request thread: ns a span, made and ended, on both cores while batches go out");
    let hand: hand::Cost = child(&hand::arguments(sink))?;
    let base = hand.ns_of(Variant::None);
    for (variant, ns) in &hand.medians {
        say(&format!("  {variant:<10} {ns:>6.0}  ({:+.0})", ns - base));
    }
    let part = hand.ns_of(Variant::Ours) - base;
    if part > LIMIT {
        say(&format!("    MISSED: {part:.0} ns is more than {LIMIT} ns"));
    }
    Ok(part <= LIMIT)
}

/// Runs this program for one measurement, and reads its answer.
fn child<T: DeserializeOwned>(arguments: &[String]) -> Result<T, BoxError> {
    let output = Command::new(std::env::current_exe()?)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{} failed: {}", arguments.join(" "), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

fn cpu_time(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}
