//! `rum-trace view`: collector and viewer in one process.

mod api;
mod ended;
mod guard;
mod live;
mod page;
mod size;
mod start;

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::cli::ViewArgs;
use crate::collector::{self, Options, Store};
use crate::print::Drawing;

pub(crate) use ended::Ended;
pub(crate) use size::parse as parse_size;
pub(crate) use start::{Running, StartError};

/// The page's port.
pub(crate) const PAGE: u16 = 4320;

/// How often it is looked for traces that have become quiet.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

/// Runs the command; see its help for the exit codes.
pub(crate) fn main(args: &ViewArgs) -> ExitCode {
    let outcome = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)
        .and_then(|runtime| {
            let ended = runtime.block_on(run(args));
            // Not waited for: a reader of the output that does not read on.
            runtime.shutdown_background();
            ended
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("rum-trace view: {error}\n"));
            ExitCode::from(2)
        }
    }
}

/// A viewer beside what sends it spans: OTLP over HTTP is taken on a free port.
pub(crate) async fn beside(page: SocketAddr) -> Result<Running, StartError> {
    let running = Running::start(page, Options::loopback()).await?;
    // Without a drawing it goes on until the runtime ends.
    tokio::spawn(settle(Arc::clone(running.store()), None));
    Ok(running)
}

/// The page's address, unless another one was given; a free port if it is taken.
pub(crate) async fn beside_anywhere() -> Result<Running, StartError> {
    match beside((Ipv4Addr::LOCALHOST, PAGE).into()).await {
        Err(StartError::Listen(collector::StartError::Taken { .. })) => {
            beside((Ipv4Addr::LOCALHOST, 0).into()).await
        }
        started => started,
    }
}

async fn run(args: &ViewArgs) -> Result<(), StartError> {
    // Listened for from the start: a signal while starting ends it, too.
    let mut ended = Ended::listen();
    let running = Running::start(args.listen, start::options(args)).await?;
    complain(&running.warnings());
    let mut out = io::stdout().lock();
    let shown = out
        .write_all(running.opening().as_bytes())
        .and_then(|()| out.flush());
    drop(out);
    if let Err(error) = shown {
        return end_of_output(error);
    }
    let drawing = args
        .print
        .then(|| Drawing::new(Arc::clone(running.store())));
    let work = settle(Arc::clone(running.store()), drawing);
    let end = tokio::select! {
        () = ended.wait() => Ok(()),
        Err(error) = work => end_of_output(error),
    };
    running.stop().await;
    end
}

/// Who closes the pipe (`| head`) has seen enough.
fn end_of_output(error: io::Error) -> Result<(), StartError> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(StartError::Output(error)),
    }
}

/// Looks at traces that have become quiet, and draws them if they are wanted.
async fn settle(store: Arc<Store>, mut drawing: Option<Drawing>) -> io::Result<()> {
    let mut ticks = tokio::time::interval(SETTLE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let store = Arc::clone(&store);
        let settled = tokio::task::spawn_blocking(move || store.settle());
        let whole = settled.await.map_err(io::Error::other)?;
        if let Some(drawing) = &mut drawing {
            drawing.draw(whole).await?;
        }
    }
}

/// Where standard error is closed too, there is nobody left to tell.
pub(crate) fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
