//! SIGTERM and Ctrl-C: first the server drains, then the pipeline is flushed.
//!
//! The order matters. Spans end with their requests, so that a pipeline that is
//! flushed first loses those of the requests under way; and a process that is
//! merely killed loses whatever still waits for its batch. [`Serve`] keeps the
//! order, and keeps both within a time.

#[cfg(feature = "actix")]
mod actix;
mod error;
mod flush;
mod signals;
mod stop;

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use rum_trace_otlp::{Pipeline, Stats};

pub use self::error::ServeError;
use self::signals::Signals;
pub use self::stop::Stop;

/// Runs a server until SIGTERM or Ctrl-C, lets it drain, and then shuts the
/// pipeline down.
///
/// ```no_run
/// # #[cfg(feature = "axum")]
/// # mod example {
/// use axum::{Router, routing::get};
/// use rum_trace::axum::RumTraceLayer;
/// use rum_trace::otlp::Pipeline;
/// use rum_trace::serve::Serve;
///
/// # #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let pipeline = Pipeline::builder().service_name("shop").install()?;
///     let app: Router = Router::new()
///         .route("/", get(|| async { "hello" }))
///         .layer(RumTraceLayer::default());
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
///     Serve::new(pipeline)
///         .run(|stop| axum::serve(listener, app).with_graceful_shutdown(stop))
///         .await?;
///     Ok(())
/// }
/// # }
/// ```
///
/// # What happens
///
/// 1. SIGTERM or Ctrl-C (SIGINT) arrives, and [`Stop`] is ready: the server
///    accepts no more connections and answers the requests under way. (Without
///    Unix there is only Ctrl-C.)
/// 2. That is over when the server has ended, when
///    [`drain_within`](Self::drain_within) is over, or with a second signal. In
///    the latter two cases a warning in the log says how many spans are still
///    open; unless they end before the flush does, they are not exported.
/// 3. The pipeline is shut down ([`Pipeline::shutdown`]), within
///    [`flush_within`](Self::flush_within), on a thread of its own.
///
/// A server that ends by itself, with an error or without, is not waited for,
/// and its spans are flushed all the same. If the returned future is dropped
/// before its end, so is the server, and then the pipeline, which flushes.
///
/// # Signals
///
/// They are caught from the moment that the future is first polled. From then
/// on they are tokio's for as long as the process lives, so that after the
/// flush it is `main` that has to end. Note that a tokio runtime that is
/// dropped waits for its `spawn_blocking` tasks, however long they take.
///
/// A signal that cannot be caught is told in the log, and the server runs.
///
/// # Panics
///
/// [`run`](Self::run) needs a tokio runtime with I/O and time enabled, of
/// whichever flavour; servers do too.
#[derive(Debug)]
#[must_use = "nothing is served before `run`"]
pub struct Serve {
    pipeline: Pipeline,
    drain: Duration,
    flush: Duration,
}

impl Serve {
    /// With 20 seconds for the server and 5 for the pipeline: together they fit
    /// into the 30 that Kubernetes gives a container by default.
    pub fn new(pipeline: Pipeline) -> Self {
        Serve {
            pipeline,
            drain: Duration::from_secs(20),
            flush: Duration::from_secs(5),
        }
    }

    /// How long the requests under way may take from the signal on; 20 seconds
    /// if nothing is said.
    pub fn drain_within(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// How long the export of what is left may take after that; 5 seconds if
    /// nothing is said.
    pub fn flush_within(mut self, limit: Duration) -> Self {
        self.flush = limit;
        self
    }

    /// Runs the server that `server` makes: one that ends gracefully once
    /// [`Stop`] is ready.
    ///
    /// | | |
    /// |---|---|
    /// | axum | <code>&#124;stop&#124; axum::serve(listener, app).with_graceful_shutdown(stop)</code> |
    /// | tonic | <code>&#124;stop&#124; Server::builder().add_service(shop).serve_with_shutdown(address, stop)</code> |
    /// | hyper, others | <code>&#124;stop&#124; async { … }</code>, whatever ends after `stop.await` |
    /// | several | <code>&#124;stop&#124; async { tokio::try_join!(…) }</code>, with a clone of `stop` each |
    ///
    /// actix-web has signal handlers of its own, and counts Ctrl-C as a reason
    /// to drop all requests: use `Serve::actix`, which is there with the feature
    /// `actix`.
    ///
    /// tonic keeps its listener until it has drained, so that new connections
    /// wait instead of being refused, and are closed at the end.
    ///
    /// What a server leaves behind in tasks of its own is not ended with it.
    /// axum and tonic spawn a task for each connection, so that requests which
    /// the drain was too short for go on until the runtime is dropped.
    ///
    /// # Errors
    ///
    /// [`ServeError::Server`] if the server ended with an error, and
    /// [`ServeError::Shutdown`] if it did not, but spans were lost. Both tell
    /// what became of the spans.
    pub async fn run<S, F, E>(self, server: S) -> Result<Stats, ServeError>
    where
        S: FnOnce(Stop) -> F,
        F: IntoFuture<Output = Result<(), E>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        // Variables are dropped in reverse order: if this future is, the server
        // goes first, and the spans that end with it are flushed with the rest.
        let served = self.serve(server).await;
        let shutdown = flush::within(self.pipeline, self.flush).await;
        ServeError::verdict(served, shutdown)
    }

    /// How the server ended; `Ok` where it was not waited for any longer.
    async fn serve<S, F, E>(&self, server: S) -> Result<(), Box<dyn Error + Send + Sync>>
    where
        S: FnOnce(Stop) -> F,
        F: IntoFuture<Output = Result<(), E>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        // Before there is a server, so that an early signal is not fatal.
        let mut signals = Signals::install();
        let (call, stop) = stop::channel();
        let mut server = pin!(server(stop).into_future());
        let signal = tokio::select! {
            ended = &mut server => return ended.map_err(Into::into),
            signal = signals.next() => signal,
        };
        tracing::info!(signal, "the server stops accepting requests and drains");
        call.stop();
        tokio::select! {
            ended = &mut server => return ended.map_err(Into::into),
            () = tokio::time::sleep(self.drain) => self.report_cut("the time to drain is over"),
            _ = signals.next() => self.report_cut("a second signal ended the drain"),
        }
        Ok(())
    }

    fn report_cut(&self, reason: &'static str) {
        let open_spans = self.pipeline.stats().open();
        tracing::warn!(
            open_spans,
            limit = ?self.drain,
            "{reason}; spans that are still open may not be exported"
        );
    }
}
