//! What every server of this process needs against whoever connects to it.

pub(crate) mod host;
pub(crate) mod server;
