#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
// Whatever a client sends must not panic: no operation that can is used, so
// that the compiler holds the promise and not only the fuzzer.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod b3;
pub mod baggage;
mod error;
mod flags;
pub mod forwarded;
mod hex;
mod ids;
pub mod jaeger;
pub mod rum;
pub mod sw8;
mod text;
pub mod traceparent;
pub mod tracestate;

pub use b3::B3;
pub use flags::TraceFlags;
pub use ids::{SpanId, TraceId};
pub use jaeger::UberTraceId;
pub use rum::RumFields;
pub use sw8::Sw8;
pub use traceparent::TraceParent;
pub use tracestate::TraceState;
