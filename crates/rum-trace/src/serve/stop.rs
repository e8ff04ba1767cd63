//! What a server waits for.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::watch;

/// A future that is ready when the server is to stop.
///
/// Each clone is ready as well, also one that is made later: hand them to a
/// second server, or to streams that would not end by themselves and keep the
/// server from draining.
///
/// It is ready too when the future of [`Serve::run`](super::Serve::run) has
/// gone, so that nobody waits in vain.
///
/// ```no_run
/// # use rum_trace::otlp::Pipeline;
/// # use rum_trace::serve::Serve;
/// # async fn example(pipeline: Pipeline) -> Result<(), Box<dyn std::error::Error>> {
/// Serve::new(pipeline)
///     .run(async |stop| {
///         let ticks = tokio::spawn(ticks(stop.clone()));
///         // … accept and serve, until
///         stop.await;
///         ticks.await
///     })
///     .await?;
/// # Ok(())
/// # }
/// # async fn ticks(_: rum_trace::serve::Stop) {}
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct Stop {
    called: watch::Receiver<bool>,
    wait: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

/// Makes it ready.
pub(super) struct Call(watch::Sender<bool>);

pub(super) fn channel() -> (Call, Stop) {
    let (call, called) = watch::channel(false);
    (Call(call), Stop::new(called))
}

impl Call {
    pub(super) fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    fn new(called: watch::Receiver<bool>) -> Self {
        let mut receiver = called.clone();
        let wait = Box::pin(async move {
            // An error says that the sender has gone.
            let _ = receiver.wait_for(|stop| *stop).await;
        });
        Stop { called, wait }
    }
}

impl Future for Stop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.wait.as_mut().poll(cx)
    }
}

impl Clone for Stop {
    fn clone(&self) -> Self {
        Stop::new(self.called.clone())
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("called", &*self.called.borrow())
            .finish_non_exhaustive()
    }
}
