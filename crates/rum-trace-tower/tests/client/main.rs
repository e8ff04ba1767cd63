//! The client layer on hyper's client, against real servers.
#![cfg(feature = "client")]

mod bad;
mod calls;
mod hops;
#[path = "../support/mod.rs"]
mod support;
mod wire;
