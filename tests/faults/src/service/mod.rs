//! The service under test: an axum server in a process of its own, whose
//! requests each make some spans.

mod nothing;
pub(crate) mod ours;
mod panicking;
pub(crate) mod sdk;
mod signals;
pub(crate) mod work;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::report::Greeting;

/// What takes the spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// No tracing at all: the same handler without spans.
    Nothing,
    /// The SDK's `BatchSpanProcessor` and opentelemetry-otlp.
    Sdk,
    /// rum-trace's pipeline.
    Ours,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Nothing => "no tracing",
            Kind::Sdk => "SDK",
            Kind::Ours => "rum-trace",
        }
    }
}

/// How spans go to the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    HttpGzip,
    Grpc,
}

/// How the service is set up.
#[derive(Debug, Clone, Args)]
pub(crate) struct Setup {
    #[arg(long)]
    pub(crate) kind: Kind,
    /// Where the collector is, or will be.
    #[arg(long)]
    pub(crate) collector: String,
    /// Spans made by each request.
    #[arg(long, default_value_t = 10)]
    pub(crate) spans: usize,
    /// OTLP over gRPC instead of HTTP.
    #[arg(long)]
    pub(crate) grpc: bool,
    /// Requests over HTTP are compressed.
    #[arg(long, conflicts_with = "grpc")]
    pub(crate) gzip: bool,
    #[arg(long)]
    pub(crate) max_queue_size: Option<usize>,
    #[arg(long)]
    pub(crate) max_kept_bytes: Option<u64>,
    #[arg(long)]
    pub(crate) spool: Option<PathBuf>,
    /// The exporter panics at its so-manieth batch, from one.
    #[arg(long)]
    pub(crate) panic_at: Option<usize>,
    /// Like a `main` that knows nothing of signals.
    #[arg(long)]
    pub(crate) no_signal_handler: bool,
}

/// The whole life of the service. Its first and its last line on stdout are a
/// [`Greeting`] and a [`Farewell`](crate::report::Farewell).
pub(crate) fn run(setup: &Setup) -> Result<(), Box<dyn Error + Send + Sync>> {
    // Pipelines are built outside of any runtime: a blocking HTTP client
    // cannot be built within one.
    let farewell = match setup.kind {
        Kind::Nothing => nothing::run(setup)?,
        Kind::Sdk => sdk::run(setup)?,
        Kind::Ours => ours::run(setup)?,
    };
    say(&farewell)
}

fn greet(port: u16) -> Result<(), Box<dyn Error + Send + Sync>> {
    say(&Greeting { port })
}

fn say(words: &impl Serialize) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, words)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// A runtime as services have it.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}
