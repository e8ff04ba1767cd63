//! CLIENT spans of awc's requests, over real sockets.

mod bodies;
mod failures;
mod hosts;
mod http2;
mod peer;
mod redirects;
mod spans;
#[path = "../support/mod.rs"]
mod support;
