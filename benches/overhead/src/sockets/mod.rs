//! The same over loopback sockets: one server thread whose layer is switched every
//! few hundred requests, and its CPU time.
//!
//! A nanosecond in a layer is not a nanosecond of the server's CPU time: a slower
//! server waits less for its client, and pays more for waking it. So each row is
//! quoted as the spinning layer that costs the server the same.

pub mod book;
pub mod client;
pub mod cores;
pub mod scale;
pub mod server;
pub mod spin;
