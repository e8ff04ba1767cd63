//! What tests serve with: each framework on a thread of its own, and a real nginx before
//! it. What they serve is theirs.
//!
//! Helpers panic where a test would fail anyway.

mod framework;
pub mod nginx;
mod running;

pub use self::framework::Framework;
pub use self::running::Running;
