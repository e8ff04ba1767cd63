//! The service that the scenarios call, written once for each framework with
//! the same routes. What the two share is here.

pub mod actix;
pub mod axum;
mod frames;
pub mod grpc;

use std::collections::HashMap;
use std::fmt;
use std::thread::JoinHandle;

use opentelemetry::{Context, SpanId, TraceId};
use rum_trace_core::{Injection, RumContext};
use serde::Deserialize;

pub use frames::{FRAME, Frames};

/// A server that runs; it stops when this is dropped.
pub(crate) struct Running {
    stop: Option<Box<dyn FnOnce() + Send + Sync>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// How to tell the server to stop, and the thread that then ends.
    fn new(stop: impl FnOnce() + Send + Sync + 'static, thread: JoinHandle<()>) -> Self {
        Running {
            stop: Some(Box::new(stop)),
            thread: Some(thread),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test has failed by it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

/// The page that may call the service across origins.
pub const ORIGIN: &str = "https://shop.example";

/// The text of all answers but those of handlers that have something to tell.
pub const TEXT: &str = "served";

/// What a request's query may ask of a handler.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Options {
    /// How many frames the response body has.
    pub frames: usize,
    /// How many bytes the response body has.
    pub bytes: usize,
    /// The handler's appointment with the client.
    pub key: u64,
}

/// The headers that a call from inside of the current request to a service of
/// one's own would have.
fn onward() -> String {
    let mut headers: HashMap<String, String> = HashMap::new();
    Injection::to_own_service().inject(&Context::current(), &mut headers);
    let mut lines: Vec<String> = headers
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// What the extractors told a handler, as a text to compare.
fn client(trace_id: &TraceId, span_id: &SpanId, rum: Option<&RumContext>) -> String {
    let session = rum.and_then(RumContext::session_id);
    let user = rum.and_then(RumContext::user_id);
    [
        trace_id.to_string(),
        span_id.to_string(),
        session.unwrap_or("-").to_owned(),
        user.unwrap_or("-").to_owned(),
    ]
    .join(" ")
}

/// The deliberate panic of a handler, which says nothing on the test's output.
fn deliberate_panic() -> ! {
    // Unlike `panic!` it does not call the panic hook.
    std::panic::resume_unwind(Box::new("a deliberate panic"))
}
