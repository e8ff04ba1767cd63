//! rum-trace beside its peers: what a request costs under each.

pub mod catalogue;
pub mod collector;
pub mod export;
pub mod figures;
pub mod limits;
pub mod order;
pub mod peers;
pub mod report;
pub mod scaling;
pub mod sockets;
pub mod timing;
