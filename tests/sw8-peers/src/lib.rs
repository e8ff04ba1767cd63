//! The `sw8` and `sw8-correlation` that we write, read by the published
//! decoders of SkyWalking's own agents: each must take every header, and read
//! from it what we meant. And the other way round: what their encoders write,
//! our parser must read.
//!
//! The agents run as processes, each started once: a line of JSON with headers
//! in, a line of JSON with what was read out. `tests/sw8-peers/run` installs
//! them; their scripts are in `peers/`, SkyWalking's crate for Rust among them,
//! since it needs a `protoc` to be built and an older tonic than ours.
//!
//! Helpers panic where a test would fail anyway.

mod answer;
pub mod cases;
pub mod check;
mod fields;
mod ours;
pub mod peer;
mod sent;
pub mod table;

pub use answer::{Answer, Onward};
pub use fields::{Field, Fields};
pub use ours::{ours, read};
pub use sent::{Headers, Meant, Sent, Text};
