//! Who is sampled, and why: `rum_trace_otlp::sampling` behind both frameworks, by what
//! leaves over OTLP.
//!
//! A small [`Site`] is written once for each framework. It is called over real sockets
//! ([`Server`], [`Connection`]), or, where there are a hundred thousand requests, as
//! tower and actix-web call a service ([`on_axum`], [`on_actix`]): headers are read and
//! written all the same. Its spans go through a real pipeline to a [`Receiver`] that
//! decodes them.
//!
//! Helpers panic where a test would fail anyway.

pub mod consistency;
mod receiver;
mod serve;
mod service;
mod tap;

pub use receiver::{Exported, Receiver};
pub use serve::{Connection, Framework, InProcess, Server, on_actix, on_axum};
pub use service::{Processors, Service, Site, child_name};
pub use tap::{Answer, Tap};

use std::time::{Duration, Instant};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until it is so, and tells how long that took.
///
/// # Panics
///
/// If it is not in `limit`.
pub fn wait_until(what: &str, limit: Duration, is_so: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
    start.elapsed()
}
