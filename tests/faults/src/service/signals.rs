//! What a careful `main` without rum-trace does.

use tokio::signal::unix::{SignalKind, signal};

/// Ready at SIGTERM.
pub(crate) async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    }
}
