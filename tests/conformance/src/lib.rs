//! The service of W3C's trace-context suite: it continues the trace of each
//! request, and calls back with whatever trace is active then.
//!
//! There is no header code here. What goes in and out is the library's, with
//! its default set-up: parent-based sampling, every carrier read.

mod calls;
mod service;

pub use service::{actix_server, axum_router, install_tracing};
