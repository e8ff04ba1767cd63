//! What goes around the Collectors under test: processes of them, and what they send to.
//!
//! Helpers panic where a test would fail anyway.

pub mod backend;
pub mod collector;

use std::time::Duration;

/// How long something may take before the test has failed.
pub const PATIENCE: Duration = Duration::from_secs(120);
