//! A process that forks after its pipeline was built: the child has no export
//! thread. It must say so, count its spans, and hang nowhere; the parent must
//! not notice.
//!
//! A test binary without libtest, whose threads would be forked with it. What
//! the children print is part of the output.

// Clippy's leave for tests does not reach the helpers beside them.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

#[cfg(unix)]
mod support;

#[cfg(unix)]
#[path = "fork/child.rs"]
mod child;
#[cfg(unix)]
#[path = "fork/scenarios.rs"]
mod scenarios;

#[cfg(unix)]
fn main() {
    scenarios::run();
}

/// There is no fork elsewhere.
#[cfg(not(unix))]
fn main() {
    println!("skipped: this system has no fork");
}
