#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod awaited;
mod body;
mod extract;
mod future;
mod middleware;
mod request;
mod route;
mod transform;

pub use body::ResponseBody;
pub use extract::{CurrentTrace, MissingRum, Rum};
pub use future::ResponseFuture;
pub use middleware::RumTraceMiddleware;
pub use transform::RumTrace;
