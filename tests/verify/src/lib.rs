//! What the tests of `rum-trace verify` are made of: a service of either framework, a
//! real nginx before it, and the command itself.
//!
//! Helpers panic where a test would fail anyway.

pub mod command;
pub mod nginx;
pub mod service;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The token of these tests' services.
pub const TOKEN: &str = "5f0e8c6a1b3d7924a7c0";

/// Below the ports that connections take for themselves.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// An address that nobody listens at, for one who has to be told which is its own. No
/// connection takes it in the meantime, and none of this process gets it again.
///
/// # Panics
///
/// If there is no free port.
#[must_use]
pub fn free_address() -> SocketAddr {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 10_000).expect("below 10,000");
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let next = || PORTS.start + (begin + TAKEN.fetch_add(1, Ordering::Relaxed)) % 12_000;
    let mut ports = std::iter::repeat_with(next).take(PORTS.len());
    let port = ports.find(is_free).expect("a free port");
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
