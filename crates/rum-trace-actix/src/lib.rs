#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod awaited;
mod bodiless;
mod body;
#[cfg(feature = "awc")]
mod client;
mod extract;
mod future;
mod middleware;
mod request;
mod route;
mod transform;

pub use body::ResponseBody;
#[cfg(feature = "awc")]
#[cfg_attr(docsrs, doc(cfg(feature = "awc")))]
pub use client::{
    CallFuture, RedirectsFuture, RumTraceClient, RumTraceClientMiddleware, RumTraceRedirects,
    RumTraceRedirectsMiddleware,
};
pub use extract::{CurrentTrace, MissingRum, Rum};
pub use future::ResponseFuture;
pub use middleware::RumTraceMiddleware;
pub use transform::RumTrace;
