//! The thread that sends: a tokio runtime of the pipeline's own.
//!
//! The SDK's batch thread has no runtime, and the user's may be single-threaded
//! and blocked in the shutdown, or gone. So connections and timers live here.

use std::io;

use opentelemetry::Context;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

const THREAD_NAME: &str = "rum-trace-otlp";

/// The thread and its runtime; both end when this is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: Handle,
    /// Dropping it ends the thread. Tasks that still run are cancelled.
    _stop: oneshot::Sender<()>,
}

impl Worker {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        std::thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || {
                // Instrumented HTTP libraries must not make spans about the
                // export of spans.
                let _suppressed = Context::enter_telemetry_suppressed_scope();
                // The sender is only ever dropped.
                let _ = runtime.block_on(stopped);
                // Not a plain drop: that waits for a name lookup in progress.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            handle,
            _stop: stop,
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_run_on_the_named_thread_without_telemetry() {
        let worker = Worker::start().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        worker.handle().spawn(async move {
            let name = std::thread::current().name().map(str::to_owned);
            let suppressed = Context::map_current(Context::is_telemetry_suppressed);
            sender.send((name, suppressed)).unwrap();
        });
        let timeout = std::time::Duration::from_secs(10);
        assert_eq!(
            receiver.recv_timeout(timeout).unwrap(),
            (Some(THREAD_NAME.to_owned()), true)
        );
    }

    #[test]
    fn the_end_of_the_worker_cancels_its_tasks() {
        let worker = Worker::start().unwrap();
        let task = worker.handle().spawn(std::future::pending::<()>());
        drop(worker);
        let runtime = Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    }
}
