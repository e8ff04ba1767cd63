//! The other direction: the calls that actix-web's own client, awc, makes.

mod body;
mod failure;
mod future;
mod headers;
mod middleware;
mod origin;
mod redirects;
mod request;
mod transform;

pub use future::CallFuture;
pub use middleware::RumTraceClientMiddleware;
pub use redirects::{RedirectsFuture, RumTraceRedirects, RumTraceRedirectsMiddleware};
pub use transform::RumTraceClient;
