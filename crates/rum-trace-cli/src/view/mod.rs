//! `rum-trace view`: collector and viewer in one process.

mod api;
mod guard;
mod live;
mod page;
mod size;
mod start;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::cli::ViewArgs;
use crate::collector::Store;
use crate::print::Printer;

pub(crate) use size::parse as parse_size;
use start::{Running, StartError};

/// How often it is looked for traces that have become quiet.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

/// Runs the command; see its help for the exit codes.
pub(crate) fn main(args: &ViewArgs) -> ExitCode {
    let outcome = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)
        .and_then(|runtime| runtime.block_on(run(args)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("rum-trace view: {error}\n"));
            ExitCode::from(2)
        }
    }
}

async fn run(args: &ViewArgs) -> Result<(), StartError> {
    // Listened for from the start: a signal while starting ends it, too.
    let mut ended = Ended::listen();
    let running = Running::start(args).await?;
    complain(&running.warnings());
    let mut out = io::stdout().lock();
    let shown = out.write_all(running.opening().as_bytes()).and_then(|()| out.flush());
    drop(out);
    if let Err(error) = shown {
        return end_of_output(error);
    }
    let printer = args.print.then(Printer::new);
    let work = settle(Arc::clone(running.store()), printer);
    tokio::select! {
        () = ended.wait() => Ok(()),
        Err(error) = work => end_of_output(error),
    }
}

/// Who closes the pipe (`| head`) has seen enough.
fn end_of_output(error: io::Error) -> Result<(), StartError> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(StartError::Output(error)),
    }
}

/// Looks at traces that have become quiet, and draws them if they are wanted.
async fn settle(store: Arc<Store>, mut printer: Option<Printer>) -> io::Result<()> {
    let mut ticks = tokio::time::interval(SETTLE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let store = Arc::clone(&store);
        let settled = tokio::task::spawn_blocking(move || {
            let whole = store.settle();
            let drawn = printer.as_mut().map_or(Ok(()), |printer| printer.draw(&store, &whole));
            (printer, drawn)
        });
        let Ok((back, drawn)) = settled.await else {
            return Err(io::Error::other("the work on arrived traces ended"));
        };
        drawn?;
        printer = back;
    }
}

/// Ctrl-C, and where there are signals, SIGTERM.
struct Ended {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Ended {
    fn listen() -> Self {
        Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok(),
        }
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = interrupted() => {}
            () = self.terminated() => {}
        }
    }

    #[cfg(unix)]
    async fn terminated(&mut self) {
        match &mut self.terminate {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn terminated(&mut self) {
        std::future::pending().await
    }
}

/// Where it cannot be listened for, it ends the process by itself.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Where standard error is closed too, there is nobody left to tell.
fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
