#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod client;
mod failure;
mod headers;
mod middleware;
mod redirect;
mod request;
mod response;
mod scoped;

pub use client::{RumTraceClientBuilder, client};
pub use middleware::RumTraceMiddleware;
pub use redirect::{FollowRedirects, RedirectError};
pub use rum_trace_core::UrlTemplate;
