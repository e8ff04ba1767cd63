//! `rum-trace verify`: which hop loses the trace?
//!
//! Phones' requests are sent (`probe`, `client`), what arrived is learned from our
//! layer's answer (`answer`) or from spans (`learned`), each request is judged
//! (`judge`), and all together come to a diagnosis (`diagnosis`) and a `report`.

mod answer;
mod args;
mod client;
mod diagnosis;
mod hints;
mod judge;
mod learned;
mod plan;
mod play;
mod probe;
mod progress;
mod report;
mod target;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

pub(crate) use args::VerifyArgs;

use client::Client;
use diagnosis::{HopReport, Known, diagnose_hop, products};
use learned::spans::Spans;
use learned::view::View;
use plan::Plan;
use play::{Judged, Source};
use progress::Progress;
use target::Hop;

use tokio::time::Instant;

use crate::terminal::escape::for_terminal;

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
    let client = Client::new(Duration::from_secs(args.timeout), args.ca_file.as_deref())?;
    let (source, before) = source(args, plan, &client).await?;
    let progress = Progress::new();
    let mut sent = Vec::new();
    for hop in &plan.hops {
        let app_id = args.app_id.as_deref();
        let exchanges = play::send_all(&client, plan, app_id, hop, &progress).await;
        sent.push((hop, exchanges));
    }
    // One for all hops: their spans come at the same time.
    let deadline = Instant::now() + plan.wait;
    let mut hops = Vec::new();
    for (hop, exchanges) in sent {
        let judged =
            play::judge_all(&client, &source, deadline, before, exchanges, &progress).await;
        hops.push(report_of(args, plan, hop, judged));
    }
    progress.end();
    Ok(hops)
}

/// Where spans are looked for, and how many came before.
async fn source(args: &VerifyArgs, plan: &Plan, client: &Client) -> Result<(Source, u64), String> {
    if let Some(address) = args.collect {
        let spans = Spans::listen(address).await;
        let spans = spans.map_err(|problem| format!("--collect {address}: {problem}"))?;
        let _ = writeln!(
            io::stderr(),
            "listening for spans at http://{}",
            spans.address()
        );
        return Ok((Source::Here(spans), 0));
    }
    let Some(uri) = &plan.view else {
        return Ok((Source::Nowhere, 0));
    };
    let view = View::new(uri);
    let before = view.received(client).await;
    let before = before.map_err(|error| format!("--view: {}", for_terminal(error.as_bytes())))?;
    Ok((Source::View(view), before))
}

fn report_of(args: &VerifyArgs, plan: &Plan, hop: &Hop, judged: Vec<Judged>) -> HopReport {
    let known = Known {
        asked_by_token: plan.has_token,
        tracing_gateway: args.tracing_gateway,
    };
    let responses = judged.iter().map(|judged| &judged.exchange.response);
    let headers = responses.filter_map(|response| response.as_ref().ok());
    HopReport {
        hop: hop.clone(),
        findings: diagnose_hop(&judged, known),
        products: products(headers.map(|response| &response.headers)),
        judged,
    }
}
