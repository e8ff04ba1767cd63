//! What the tests of `rum-trace verify` are made of: a service of either framework,
//! gateways before it, and the command itself.
//!
//! Helpers panic where a test would fail anyway.

pub mod command;
pub mod gateway;
pub mod service;

/// The token of these tests' services.
pub const TOKEN: &str = "5f0e8c6a1b3d7924a7c0";
