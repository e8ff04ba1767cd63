#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod future;
mod headers;
mod layer;
mod request;
mod service;

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod axum;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;

pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use headers::inject;
pub use layer::RumTraceLayer;
pub use service::RumTrace;
