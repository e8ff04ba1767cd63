//! Who may say what, over real sockets and on every framework with an adapter.
//!
//! A small service ([`service`]) is written once for each framework. A client that
//! writes its requests itself ([`client`]) calls it, from an address of its choice,
//! straight or through proxies ([`proxy`]). What is to be seen is on the span in the
//! collector, and in the answer: the service answers with what it would send on.
//!
//! Linux's loopback interface has all of 127.0.0.0/8, which is how the parties have
//! addresses of their own.
//!
//! Helpers panic where a test would fail anyway.

pub mod client;
pub mod privacy_harness;
pub mod proxy;
pub mod service;

pub use client::{Answer, Call, tap};
pub use proxy::{Proxy, Writes};
pub use service::{Framework, Listen, Service};

use std::net::Ipv4Addr;
use std::time::Duration;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A phone, or a page: the client of everything here.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 3, 0, 9);
/// Someone within one's own network.
pub const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 5);
/// One's own network, in which proxies and neighbours are.
pub const OWN_NETWORK: &str = "127.1.0.0/16";
/// The proxies, the outermost first.
pub const PROXIES: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 1, 7, 1), Ipv4Addr::new(127, 1, 7, 2)];
/// Their network.
pub const PROXY_NETWORK: &str = "127.1.7.0/24";

/// Runs a test on each framework, and not for ever.
///
/// # Panics
///
/// If it fails, or takes too long.
pub fn on_each_framework(test: impl AsyncFn(Framework)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for framework in Framework::ALL {
        runtime.block_on(async {
            let ended = tokio::time::timeout(PATIENCE, test(framework)).await;
            ended.expect("the test comes to its end");
        });
    }
}
