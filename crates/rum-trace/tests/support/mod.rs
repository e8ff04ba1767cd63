//! A server as a process, as it is started, asked, and told to stop; and the
//! collector that it exports to. The examples' tests have this too.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod collector;
pub(crate) mod process;

use std::time::Duration;

/// How long anything may take before a test fails. No test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
