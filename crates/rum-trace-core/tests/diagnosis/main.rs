//! What a request's headers came to: as numbers, as metrics, and in the log.

mod cases;
mod classes;
mod expected;
mod log;
mod meters;
mod once;
#[path = "../support/mod.rs"]
mod support;
