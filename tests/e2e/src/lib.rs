//! What the tests over real sockets share: the captured requests and what is
//! expected of them, a client and a recorder that do not touch the header
//! lines, a server, and seeded mutations.
//!
//! Nothing in here uses the library under test.
//! Helpers panic where a test would fail anyway.

pub mod captures;
pub mod expectations;
mod http1;
pub mod ids;
pub mod mutate;
pub mod recorder;
pub mod rng;
pub mod server;
pub mod wire;

use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// How long anything over a loopback socket may take before a test fails.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// A file or folder below `tests/data` of the repository.
#[must_use]
pub fn data(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../data")).join(path)
}

/// Reads a JSON file below `tests/data`.
///
/// # Panics
///
/// If it is not there, or is not what it should be.
#[must_use]
pub fn read_json<T: DeserializeOwned>(path: &str) -> T {
    let file = data(path);
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
