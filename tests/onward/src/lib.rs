//! Three services in a row over real sockets, and a stranger behind them:
//!
//! ```text
//! phone → A (axum; hyper or reqwest) → B (actix-web; awc) → C (axum; hyper) → a stranger
//!                                 hop                  hop
//! ```
//!
//! Each has an [`Instrumenter`](rum_trace_core::Instrumenter) and an exporter of its
//! own, as on three machines; all that they share is what is on the wire. The
//! stranger is on a host that nobody named, and is no part of any trace.
//!
//! What is to be seen at each of them follows from the phone's carrier and from the
//! protocols of the two hops; [`check`] says it once for all.
//!
//! Helpers panic where a test would fail anyway.

pub mod chain;
pub mod check;
pub mod phone;
pub mod protocol;
pub mod seen;
pub mod services;
pub mod taps;
pub mod telemetry;

pub use chain::{Chain, Settings};
pub use protocol::{Hop, Wire};
pub use taps::Tap;

use std::time::Duration;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits, but not for ever.
///
/// # Panics
///
/// If it takes too long.
pub async fn in_time<F: Future>(future: F) -> F::Output {
    let ended = tokio::time::timeout(PATIENCE, future).await;
    ended.expect("it ends in time")
}
