#![doc = include_str!("../README.md")]
//!
//! # How it is put together
//!
//! A span that ends goes to the SDK's batch processor, past a counter. Its
//! thread hands full batches to the exporter, which encodes and compresses a
//! batch once and sends the bytes from the pipeline's own runtime, as often as
//! it takes. The transports know nothing of spans, and the rest nothing of
//! HTTP: what is kept, and for how long, is decided in between.
//!
//! The exporter is this crate's own and not that of `opentelemetry-otlp`, which
//! reads headers, compression and timeout from the environment over what code
//! says, writes the endpoint into its log and its errors, hides the reason of a
//! failed connection, and counts what a collector rejects as a success.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod config;
mod console;
mod encode;
mod endpoint;
mod error;
mod exporter;
mod pipeline;
mod processor;
mod protocol;
mod retry;
mod secret;
mod stats;
mod transport;

pub use self::builder::PipelineBuilder;
pub use self::error::{FlushError, PipelineError, Setting, ShutdownError};
pub use self::pipeline::Pipeline;
pub use self::protocol::{Compression, Protocol};
pub use self::stats::Stats;
