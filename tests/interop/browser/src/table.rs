//! The table.

use std::path::Path;

use serde::Deserialize;

use crate::BoxError;
use crate::judge::Verdict;
use crate::modes::Sdk;
use crate::services::Framework;

#[derive(Debug, Deserialize)]
struct Package {
    version: String,
}

/// What was run.
pub(crate) fn versions(browser: &str, modules: &Path) -> Result<String, BoxError> {
    let mut text = format!("Chromium {browser}");
    for name in [
        Sdk::Rum.package(),
        Sdk::SkyWalking.package(),
        "playwright-core",
    ] {
        let file = modules.join(name).join("package.json");
        let package: Package = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        text.push_str(&format!(", {name} {}", package.version));
    }
    Ok(text)
}

/// A line for each mode and way, and below it what misses.
#[must_use]
pub fn render(verdicts: &[Verdict]) -> String {
    let mut text = line(["SDK", "mode", "by", "axum", "actix-web", ""]);
    let mut rest = verdicts;
    while let Some(first) = rest.first() {
        let of_row =
            |verdict: &&Verdict| std::ptr::eq(verdict.mode, first.mode) && verdict.by == first.by;
        let count = rest.iter().take_while(of_row).count();
        let (row, after) = rest.split_at(count);
        rest = after;
        text.push_str(&render_row(first, row));
    }
    let passes = verdicts.iter().filter(|verdict| verdict.passes()).count();
    text.push_str(&format!("\n{passes} of {} cells pass", verdicts.len()));
    text
}

fn render_row(first: &Verdict, row: &[Verdict]) -> String {
    let cell = |framework: Framework| {
        let verdict = row.iter().find(|verdict| verdict.framework == framework);
        verdict.map_or("-", |verdict| match verdict.passes() {
            true => "pass",
            false => "FAIL",
        })
    };
    let mut text = line([
        first.mode.sdk.package(),
        first.mode.name,
        first.by.name(),
        cell(Framework::Axum),
        cell(Framework::Actix),
        first.mode.note,
    ]);
    for verdict in row {
        for miss in &verdict.misses {
            text.push_str(&format!("    {}: {miss}\n", verdict.framework.name()));
        }
    }
    text
}

fn line([sdk, mode, by, axum, actix, note]: [&str; 6]) -> String {
    let line = format!("{sdk:<20}  {mode:<36}  {by:<5}  {axum:<4}  {actix:<9}  {note}");
    format!("{}\n", line.trim_end())
}
