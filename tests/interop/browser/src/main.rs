//! Real web SDKs in a real browser, before our axum and our actix-web service:
//! does each SERVER span continue what the SDK says that it began? `run`, beside
//! the sources, installs what this needs.

mod arrivals;
mod captures;
mod cells;
mod judge;
mod phone;
mod record;
mod services;
mod spans;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::browser::Browser;
use crate::cells::{Case, Life, Saw};
use crate::judge::Evidence;
use crate::modes::{MODES, Mode};
use crate::services::Services;
use crate::site::Site;
use crate::spans::Spans;

pub(crate) use rum_trace_interop_browser::{BoxError, browser, carrier, modes, reports, saw, site};

/// Drives real web SDKs in Chromium against our axum and our actix-web service,
/// and prints what became of their traces. The exit status is not zero if a cell
/// is not a pass.
#[derive(Debug, Parser)]
struct Arguments {
    /// The node that drives the browser.
    #[arg(long, default_value = "node")]
    node: PathBuf,
    /// The `node_modules` with the SDKs and playwright-core.
    #[arg(long)]
    modules: PathBuf,
    /// The browser.
    #[arg(long, default_value = "/usr/bin/chromium")]
    chromium: PathBuf,
    /// A file for the headers that were sent, in the form of `tests/data/captures`.
    #[arg(long)]
    record: Option<PathBuf>,
    /// W3C and sw8 only: for CI.
    #[arg(long)]
    quick: bool,
    /// Only the modes whose name contains this.
    #[arg(long)]
    only: Option<String>,
}

impl Arguments {
    fn wants(&self, mode: &Mode) -> bool {
        let named = self
            .only
            .as_ref()
            .is_none_or(|part| mode.name.contains(part));
        named && (mode.quick || !self.quick)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            table::say(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Drives everything first, and judges when all is over: then every span has
/// ended, and what was not exported never will be.
async fn run(arguments: &Arguments) -> Result<bool, BoxError> {
    let site = Site::start(&arguments.modules).await?;
    let spans = Spans::new();
    let services = Services::start(&spans, &site.origin()).await?;
    let mut browser =
        Browser::start(&arguments.node, &arguments.modules, &arguments.chromium).await?;

    let wanted = MODES.iter().filter(|mode| arguments.wants(mode));
    let cases: Vec<Case> = wanted
        .enumerate()
        .map(|(number, mode)| Case::new(number, mode, &site, &services))
        .collect();
    let mut saw = Vec::new();
    for case in &cases {
        saw.push(visit(&mut browser, case, &site).await?);
    }
    let version = browser.version().to_owned();
    browser.quit().await?;
    let arrivals = services.stop().await?;
    let reports = site.stop();

    table::say(&table::versions(&version, &arguments.modules)?);
    let evidence = Evidence::new(&arrivals, &reports, &spans);
    let verdicts: Vec<_> = cases
        .iter()
        .zip(&saw)
        .flat_map(|(case, (saw, life))| judge::case(case, saw, life, &evidence))
        .collect();
    table::say(&table::render(&verdicts));
    if let Some(file) = &arguments.record {
        record::write(file, &cases, &arrivals)?;
    }
    Ok(!verdicts.is_empty() && verdicts.iter().all(judge::Verdict::passes))
}

/// One page: its requests, and the time that its SDK takes to report them.
async fn visit(browser: &mut Browser, case: &Case, site: &Site) -> Result<(Saw, Life), BoxError> {
    let saw = browser.open(&case.order()).await?;
    for url in case.reported_urls() {
        // That one is missing is for the judge to say.
        site.wait_for_report_of(url).await;
    }
    Ok((saw, browser.close().await?))
}
