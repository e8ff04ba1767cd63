//! Who may say what, over real sockets, on every framework.
//!
//! Helpers panic where a test would fail anyway.

pub mod privacy_harness;
