//! What the tests of `rum-trace verify` are made of: a service of either framework, a
//! real nginx before it, and the command itself.
//!
//! Helpers panic where a test would fail anyway.

pub mod command;
pub mod nginx;
pub mod service;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The token of these tests' services.
pub const TOKEN: &str = "5f0e8c6a1b3d7924a7c0";

/// An address that nobody listens at, for one who cannot tell which it was given.
///
/// # Panics
///
/// If there is no free port.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}
