//! `rum-trace verify`: which hop loses the trace?
//!
//! Phones' requests are sent (`probe`, `client`), what arrived is learned from our
//! layer's answer (`answer`) or from spans (`watch`, `learned`), each request is judged
//! (`judged`, `judge`), and all together come to a diagnosis (`diagnosis`) and a `report`.

mod answer;
mod args;
mod client;
mod diagnosis;
pub(crate) mod fuzzing;
mod hints;
mod judge;
mod judged;
mod learned;
mod plan;
mod play;
mod probe;
mod progress;
mod report;
mod target;
mod watch;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

pub(crate) use args::VerifyArgs;

use client::Client;
use diagnosis::{HopReport, Setting, diagnose_hop, products};
use judged::{Exports, Judged};
use learned::source::Source;
use plan::Plan;
use progress::Progress;
use target::{Hop, TlsNames};
use watch::{Watch, Watched};

use tokio::time::Instant;

/// Runs the command; see its help for the exit codes.
pub(crate) fn main(args: &VerifyArgs) -> ExitCode {
    match run(args) {
        Ok(status) => ExitCode::from(status),
        Err(problem) => {
            // Where standard error is closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "rum-trace verify: {problem}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &VerifyArgs) -> Result<u8, String> {
    let plan = Plan::of(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime could be started: {error}"))?;
    let hops = runtime.block_on(verify(args, &plan))?;
    // What is still open is of no more use.
    runtime.shutdown_background();
    let printed = report::print(args, &plan, &hops);
    match printed {
        // Who closes the pipe (`| head`) has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(diagnosis::exit_status(&hops)),
    }
}

async fn verify(args: &VerifyArgs, plan: &Plan) -> Result<Vec<HopReport>, String> {
    let client = Client::new(
        Duration::from_secs(args.timeout),
        args.ca_file.as_deref(),
        TlsNames::of(&plan.hops),
    )?;
    let source = source(args, plan, &client).await?;
    let progress = Progress::new();
    let mut watched = Vec::new();
    for hop in &plan.hops {
        let app_id = args.app_id.as_deref();
        let exchanges = play::send_all(&client, plan, app_id, hop, &progress).await;
        watched.push(exchanges.into_iter().map(Watched::new).collect());
    }
    let watch = Watch {
        client: &client,
        source: &source,
        deadline: Instant::now() + plan.wait,
        tracing_gateway: args.tracing_gateway,
    };
    watch.run(&mut watched, &progress).await;
    let service = exports(plan, &watch, &watched).await;
    progress.end();
    let hops = plan.hops.iter().zip(watched);
    let report = |(hop, watched): (&Hop, Vec<Watched>)| {
        let gateway = watched.iter().any(Watched::is_parent_known);
        let exports = Exports { service, gateway };
        let judged = watched.into_iter().map(|one| Judged::of(one, exports));
        report_of(args, plan, hop, judged.collect())
    };
    Ok(hops.map(report).collect())
}

/// Where spans are looked for.
async fn source(args: &VerifyArgs, plan: &Plan, client: &Client) -> Result<Source, String> {
    let source = match (args.collect, &plan.view) {
        (Some(address), _) => Source::here(address).await?,
        (None, Some(uri)) => Source::view(uri, client).await?,
        (None, None) => Source::Nowhere,
    };
    if let Some(address) = source.address() {
        let _ = writeln!(io::stderr(), "listening for spans at http://{address}");
    }
    Ok(source)
}

/// Whether the service exports to where spans are looked for: one of it is in a phone's
/// trace, or names this run. Spans of others tell nothing.
async fn exports(plan: &Plan, watch: &Watch<'_>, watched: &[Vec<Watched>]) -> bool {
    let mut all = watched.iter().flatten();
    if all.any(|watched| watched.found.entry().is_some()) {
        return true;
    }
    match &plan.agent {
        Some(agent) => watch.source.has_span_by(watch.client, agent).await,
        None => false,
    }
}

fn report_of(args: &VerifyArgs, plan: &Plan, hop: &Hop, judged: Vec<Judged>) -> HopReport {
    let setting = Setting {
        asked_by_token: plan.has_token,
        tracing_gateway: args.tracing_gateway,
    };
    let responses = judged.iter().map(|judged| &judged.exchange.response);
    let headers = responses.filter_map(|response| response.as_ref().ok());
    HopReport {
        hop: hop.clone(),
        findings: diagnose_hop(&judged, setting),
        products: products(headers.map(|response| &response.headers)),
        judged,
        asked_by_token: plan.has_token,
    }
}
