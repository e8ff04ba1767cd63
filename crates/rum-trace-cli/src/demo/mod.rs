//! `rum-trace demo`: phones, a gateway, two services and a collector in one process,
//! over real sockets.

mod answer;
mod fetch;
mod gateway;
mod judge;
mod next;
mod phones;
mod report;
mod round;
mod shop;
mod stock;
mod world;

use std::future::Future;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::select;

use crate::cli::DemoArgs;
use crate::terminal::Style;
use crate::view::{Ended, complain};
use phones::Phones;
use report::Summary;
use round::Round;
use world::{StartError, World};

/// Services and collector run on these; the phones tap on the main thread.
const WORKERS: usize = 2;

/// Runs the command; see its help for the exit codes.
pub(crate) fn main(args: &DemoArgs) -> ExitCode {
    let (runtime, world, mut ended) = match start(args) {
        Ok(started) => started,
        Err(error) => {
            complain(&format!("rum-trace demo: {error}\n"));
            return ExitCode::from(2);
        }
    };
    let mut printer = Printer::new();
    let played = runtime
        .block_on(play(&world, args, &mut ended, &mut printer))
        .and_then(|end| printer.end(args).map(|()| end));
    // Beside the runtime, which the collector needs for the last spans.
    let stopped = world.stop();
    finish(args, &played, stopped, printer.summary)
}

fn start(args: &DemoArgs) -> Result<(Runtime, World, Ended), StartError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    let started = runtime.block_on(async {
        // From here on a signal ends it by its own way.
        let ended = Ended::listen();
        World::start(args).await.map(|world| (world, ended))
    });
    let (world, ended) = started?;
    Ok((runtime, world, ended))
}

/// How playing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With a whole round.
    Whole,
    /// A signal broke a round off, with requests under way.
    BrokenOff,
}

/// Round after round, until there is no more to do, Ctrl-C or SIGTERM.
async fn play(
    world: &World,
    args: &DemoArgs,
    ended: &mut Ended,
    printer: &mut Printer,
) -> io::Result<End> {
    let (phones, client) = (Phones::new(), fetch::client());
    complain(&world.page().and_then(report::warning).unwrap_or_default());
    printer.print(&report::opening(world, printer.style))?;
    if !args.once {
        printer.print(&format!("a round every {} s, until Ctrl-C\n", args.every))?;
    }
    loop {
        let round = round::play(world, &phones, &client);
        let Some(round) = unless(ended.wait(), round).await else {
            return Ok(End::BrokenOff);
        };
        printer.round(&round)?;
        let pause = tokio::time::sleep(Duration::from_secs(args.every));
        if args.once || unless(ended.wait(), pause).await.is_none() {
            return Ok(End::Whole);
        }
    }
}

/// What the future gives, or nothing if the other one ends first.
async fn unless<T>(ended: impl Future<Output = ()>, future: impl Future<Output = T>) -> Option<T> {
    select! {
        biased;
        () = ended => None,
        value = future => Some(value),
    }
}

fn finish(
    args: &DemoArgs,
    played: &io::Result<End>,
    stopped: Result<(), String>,
    summary: Summary,
) -> ExitCode {
    let end = match played {
        Ok(end) => *end,
        // Who closes the pipe (`| head`) has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return summary.exit_code(),
        Err(error) => {
            complain(&format!("rum-trace demo: {error}\n"));
            return ExitCode::from(2);
        }
    };
    match (end, stopped) {
        (End::BrokenOff, _) if args.once => {
            complain("rum-trace demo: interrupted before the round was over\n");
            return ExitCode::from(1);
        }
        // The spans of requests under way came too late: no news.
        (End::BrokenOff, _) | (End::Whole, Ok(())) => {}
        (End::Whole, Err(problem)) => {
            complain(&format!(
                "rum-trace demo: spans were lost at the end: {problem}\n"
            ));
            return ExitCode::from(1);
        }
    }
    summary.exit_code()
}

/// Standard output, and what was counted on it.
struct Printer {
    style: Style,
    summary: Summary,
}

impl Printer {
    fn new() -> Self {
        Self {
            style: Style::of(&io::stdout()),
            summary: Summary::default(),
        }
    }

    fn round(&mut self, round: &Round) -> io::Result<()> {
        self.summary.add(Summary::of(round));
        self.print(&report::round(round, self.style))?;
        complain(&report::problems(round));
        Ok(())
    }

    /// The counts of all rounds, if there can have been several.
    fn end(&self, args: &DemoArgs) -> io::Result<()> {
        if args.once {
            return Ok(());
        }
        self.print(&report::ending(self.summary, self.style))
    }

    /// At once, so that whoever reads a pipe sees it as it happens.
    fn print(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}
