//! The shutdown of the pipeline, which blocks, away from the runtime.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rum_trace_otlp::{Pipeline, ShutdownError, Stats};
use tokio::sync::oneshot;

/// Shuts the pipeline down on a thread of its own. Not on the runtime's: its
/// blocking threads may all be busy with the very handlers that the drain was
/// too short for.
pub(super) async fn within(pipeline: Pipeline, limit: Duration) -> Result<Stats, ShutdownError> {
    // Handed over once there is a thread, so that it is still here if there is none.
    let (hand_over, handed) = mpsc::channel::<Pipeline>();
    let (tell, told) = oneshot::channel();
    let spawned = thread::Builder::new()
        .name("rum-trace-flush".to_owned())
        .spawn(move || {
            if let Ok(pipeline) = handed.recv() {
                // Nobody may be there any more to hear it.
                let _ = tell.send(pipeline.shutdown(limit));
            }
        });
    let thread = match spawned {
        Ok(thread) => Joined(Some(thread)),
        Err(error) => {
            tracing::warn!(%error, "no thread for the flush: it blocks the runtime's");
            return pipeline.shutdown(limit);
        }
    };
    // The thread waits for nothing else.
    let _ = hand_over.send(pipeline);
    let result = told.await;
    drop(thread);
    result.expect("a span processor panicked at the shutdown; the panic's own message is above")
}

/// A thread that is waited for also when this future is dropped: otherwise the
/// process might end before the flush does. That takes no longer than its limit.
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic in it has been printed.
            let _ = thread.join();
        }
    }
}
