//! The pipeline over real sockets.

// Clippy's leave for tests does not reach the helpers beside them.
#![allow(clippy::unwrap_used)]

mod accounting;
mod environment;
mod faults;
#[cfg(feature = "grpc")]
mod grpc;
mod http;
mod lifecycle;
mod metrics;
#[cfg(unix)]
mod model;
mod processors;
#[cfg(feature = "sampling")]
mod sampling;
mod session;
mod spool;
#[path = "../support/mod.rs"]
mod support;
mod tls;
