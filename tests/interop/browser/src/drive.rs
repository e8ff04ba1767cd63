//! The pages, one after the other, and what came of their requests.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::arrivals::Arrival;
use crate::browser::Browser;
use crate::cells::{Case, Life, Saw};
use crate::judge::{self, Evidence, Verdict};
use crate::modes::Mode;
use crate::services::Services;
use crate::site::Site;
use crate::spans::Spans;
use crate::{BoxError, record, table};

/// What drives a browser.
#[derive(Args, Clone, Debug)]
pub struct Tools {
    /// The node that drives the browser.
    #[arg(long, default_value = "node")]
    pub node: PathBuf,
    /// The `node_modules` with the SDKs and playwright-core.
    #[arg(long, default_value = "node_modules")]
    pub modules: PathBuf,
    /// The browser.
    #[arg(long, default_value = "chromium")]
    pub chromium: PathBuf,
}

/// What was driven.
#[derive(Debug)]
pub struct Driven {
    /// The browser's and the SDKs' versions.
    pub versions: String,
    /// One for each request of a page.
    pub verdicts: Vec<Verdict>,
    cases: Vec<Case>,
    arrivals: Vec<Arrival>,
}

/// Drives everything first, and judges when all is over: then every span has
/// ended, and what was not exported never will be. With a Collector, at this OTLP/HTTP
/// endpoint, it gets what the services exported; what it must hold is in the verdicts.
///
/// # Errors
///
/// If the browser or a service does not start or stop.
pub async fn drive(
    tools: &Tools,
    modes: impl Iterator<Item = &'static Mode>,
    collector: Option<&str>,
) -> Result<Driven, BoxError> {
    let site = Site::start(&tools.modules).await?;
    let spans = Spans::new();
    let services = Services::start(&spans, &site.origin()).await?;
    let mut browser = Browser::start(&tools.node, &tools.modules, &tools.chromium).await?;

    let cases: Vec<Case> = modes
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
    if let Some(endpoint) = collector {
        spans.send(endpoint).await?;
    }
    let reports = site.stop();

    let evidence = Evidence::new(&arrivals, &reports, &spans);
    let verdicts = cases
        .iter()
        .zip(&saw)
        .flat_map(|(case, (saw, life))| judge::case(case, saw, life, &evidence))
        .collect();
    Ok(Driven {
        versions: table::versions(&version, &tools.modules)?,
        verdicts,
        cases,
        arrivals,
    })
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

impl Driven {
    /// Writes the headers that were sent, in the form of `tests/data/captures`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn record(&self, file: &Path) -> Result<(), BoxError> {
        record::write(file, &self.cases, &self.arrivals)
    }
}
