//! The client's side: requests to other services, as CLIENT spans.
//!
//! [`RumTraceClientLayer`] goes around any [`tower::Service`](tower_service::Service)
//! of `http` requests: hyper's client, a connection of one's own, a tonic channel.
//! What each attempt is to have a span of its own goes outside of it: retries,
//! redirects ([`FollowRedirect`]), timeouts.
//!
//! [`FollowRedirect`]: https://docs.rs/tower-http/latest/tower_http/follow_redirect/

mod body;
mod failure;
mod future;
mod layer;
mod request;
mod service;

pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use layer::RumTraceClientLayer;
pub use service::RumTraceClient;

/// The error of any service: ours have no other to add.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
