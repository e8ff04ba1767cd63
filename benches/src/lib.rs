//! Reading a request's trace headers, beside the peers.

pub mod parsing;
