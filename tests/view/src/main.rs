//! `rum-trace view` under load: spans over gRPC at a fixed rate, while its memory
//! is read and its searches are timed.

mod load;
mod report;
mod search;
mod spans;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::sync::watch;

use load::{Amount, Sent};
use report::Report;
use view::View;

/// Enough to fill 64 MiB, and as many again.
const QUICK_SPANS: u64 = 200_000;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Parser)]
struct Args {
    /// The `rum-trace` command
    #[arg(long)]
    view: PathBuf,

    /// 200,000 spans, however long they take, in place of a minute, and no limit of time
    /// is judged: for CI
    #[arg(long)]
    quick: bool,

    /// Spans a second
    #[arg(long, default_value_t = 20_000)]
    rate: u32,

    /// Given to `rum-trace view`: more than fit, so that bytes are the limit
    #[arg(long, default_value_t = 1_000_000)]
    max_traces: u32,

    /// Given to `rum-trace view`: 256, or 64 with --quick, so that it is full soon
    #[arg(long)]
    max_mebibytes: Option<u32>,
}

impl Args {
    fn mebibytes(&self) -> u32 {
        let usual = if self.quick { 64 } else { 256 };
        self.max_mebibytes.unwrap_or(usual)
    }
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("rum-trace view did not start: {0}")]
    Start(String),
    #[error("it cannot be read what rum-trace view uses: {0}")]
    Memory(String),
    #[error("rum-trace view does not answer: {0}")]
    Answer(String),
    #[error("gRPC: {0}")]
    Grpc(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(report) => {
            print(&report.to_string());
            ExitCode::from(u8::from(!report.broken().is_empty()))
        }
        Err(error) => {
            print(&format!("rum-trace-view-load: {error}\n"));
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<Report, LoadError> {
    let mut view = View::start(args).await?;
    let amount = match args.quick {
        true => Amount::Spans(QUICK_SPANS),
        false => Amount::Time(MINUTE),
    };
    // Nothing more is sent; nothing more is looked for.
    let (sent_all, over) = (watch::Sender::new(false), watch::Sender::new(false));
    let (sent, searches, memory, watched) = tokio::join!(
        async {
            let sent = load::send(view.grpc.clone(), args.rate, amount).await;
            sent_all.send_replace(true);
            sent
        },
        async {
            let searches = search::until(view.page.clone(), sent_all.subscribe()).await;
            over.send_replace(true);
            searches
        },
        view.memory_until(over.subscribe()),
        // Somebody has the page open.
        search::watch(view.page.clone(), over.subscribe()),
    );
    watched?;
    let sent: Sent = sent?;
    let status = search::json(&view.page, "/api/v1/status").await?;
    let peak = view.peak()?;
    view.stop().await;
    Ok(Report {
        judges_time: !args.quick,
        rate: args.rate,
        max_bytes: u64::from(args.mebibytes()) << 20,
        sent,
        searches: searches?,
        memory: memory?,
        peak,
        status,
    })
}

fn print(text: &str) {
    use std::io::Write as _;
    // Where nobody reads it, there is nobody to tell.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
