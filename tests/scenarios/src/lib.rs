//! One set of scenarios for every framework with an adapter, over real sockets.
//!
//! The same small service is written once for each framework ([`service`]). A
//! client that speaks HTTP to the byte ([`wire`]) puts it through the
//! [`scenarios`], and what must be seen of each request, on its span and in
//! the metrics, is said once for all of them ([`expect`]). Where frameworks
//! truly differ, the difference is a named value of [`Framework`].
//!
//! Helpers panic where a test would fail anyway.

pub mod expect;
pub mod framework;
pub mod metrics;
pub mod scenarios;
pub mod server;
pub mod service;
pub mod signals;
pub mod telemetry;
pub mod wire;

pub use framework::Framework;
pub use server::Server;

use std::time::Duration;

use rum_trace_core::InstrumenterBuilder;

/// How long a scenario may take before it has failed.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What a scenario wants otherwise than by default.
pub type Settings = fn(InstrumenterBuilder) -> InstrumenterBuilder;

/// Runs a scenario against a fresh server, and then checks what must hold
/// after any of them: every span ended, once, and was expected; nothing is
/// active any more.
///
/// # Panics
///
/// If the scenario fails, or does not come to its end.
pub fn run(framework: Framework, settings: Settings, scenario: impl AsyncFnOnce(&Server)) {
    with_server(framework, settings, async |server: &Server| {
        scenario(server).await;
        server.is_at_rest().await;
    });
}

/// The same without the checks after it.
///
/// # Panics
///
/// If the scenario fails, or does not come to its end.
pub fn with_server(framework: Framework, settings: Settings, scenario: impl AsyncFnOnce(&Server)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let server = Server::start(framework, settings);
        let ended = tokio::time::timeout(PATIENCE, scenario(&server)).await;
        ended.expect("the scenario comes to its end");
    });
}
