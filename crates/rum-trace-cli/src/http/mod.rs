//! What every server of this process needs against whoever connects to it.

pub(crate) mod host;
mod idle;
pub(crate) mod server;
