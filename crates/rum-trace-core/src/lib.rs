//! One framework-neutral instrumenter for HTTP servers: it continues the trace
//! that a RUM SDK opened on a phone or in a browser.
//!
//! # Which crate do I want?
//!
//! - A service on axum, tower, hyper or tonic: `rum-trace-tower`, or `rum-trace`
//!   with the feature `axum` or `tower`.
//! - A framework without an adapter: this one, see [`Instrumenter::start`].
//!
//! # What happens to a request
//!
//! [`Instrumenter::start`] reads the headers in a fixed order: *parse* every
//! carrier ([`Carrier`]), read the fields within the *limits* and as far as *privacy*
//! ([`Privacy`]) lets them be kept, ask the [`TrustPolicy`] who may say what (*trust*),
//! and build the *context* and the *span*. The context holds the SERVER span, the
//! [`RumContext`] and the baggage; [`Injection`] writes the trace into a request to the
//! next service, or into a message, from which [`Instrumenter::extract`] takes it up
//! again. [`ContextSnapshot`] hands the context to a task or a thread.
//! [`ActiveRequest`] is the guard of the span's life.
//!
//! Nothing here can fail a request: bad headers start a new trace and are
//! counted in [`Stats`]. Bad configuration is a [`BuildError`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod active_request;
mod attributes;
mod baggage;
mod builder;
mod capture;
mod carrier;
mod cors;
mod diagnosis;
mod error;
mod extract;
mod fallback;
mod forwarded;
mod grpc;
mod headers;
mod hooks;
mod inbound;
mod instrumenter;
mod intern;
mod known;
mod limits;
mod method;
mod metrics;
mod networks;
mod onward;
mod patterns;
mod peer;
mod privacy;
mod redact;
mod request_info;
mod rum_context;
mod semconv;
mod server;
mod server_timing;
pub mod sharded;
mod skip;
mod stats;
#[cfg(test)]
#[path = "../tests/support/request.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the integration tests"
)]
mod test_support;
mod trace_state;
pub mod tracer;
#[cfg(feature = "tracing")]
mod tracing_layer;
#[cfg(feature = "tracing")]
mod tracing_span;
mod trust;
mod verification;

pub use active_request::{ActiveRequest, Failure, Scope};
pub use builder::InstrumenterBuilder;
pub use carrier::Carrier;
pub use cors::{CORS_REQUEST_HEADERS, CORS_RESPONSE_HEADERS};
pub use diagnosis::{CarrierClass, Finding, MalformedPart};
pub use error::BuildError;
pub use forwarded::TrustedProxies;
pub use instrumenter::Instrumenter;
pub use metrics::MetricLabel;
pub use networks::Networks;
pub use onward::{
    ActiveCall, CallFailure, ContextSnapshot, InContext, Injection, RumTracePropagator,
    TraceProtocol, UrlTemplate,
};
pub use privacy::{IdPolicy, Privacy};
pub use request_info::{RequestInfo, ResponseInfo};
pub use rum_context::{RumContext, RumKey, RumSource};
pub use server_timing::ServerTiming;
pub use stats::Stats;
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use tracing_layer::tracing_layer;
pub use trust::{Caller, Trust, TrustPolicy};
pub use verification::{VERIFICATION_REQUEST_HEADER, VERIFICATION_RESPONSE_HEADER};

/// The README's example, so that it compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
