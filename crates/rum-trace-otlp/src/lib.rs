#![doc = include_str!("../README.md")]
//!
//! # How it is put together
//!
//! A span that ends goes to a queue, which never makes its thread wait. The
//! export thread takes spans from there, encodes and compresses a batch once,
//! keeps it, and sends the bytes as often as it takes. The transports know
//! nothing of spans, and the rest nothing of HTTP: what is kept, and for how
//! long, is decided in between. Every step is entered in the books (`stats`).
//!
//! The exporter is this crate's own and not that of `opentelemetry-otlp`, which
//! reads headers, compression and timeout from the environment over what code
//! says, writes the endpoint into its log and its errors, hides the reason of a
//! failed connection, and counts what a collector rejects as a success.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod config;
mod console;
mod decode;
mod encode;
mod ended;
mod endpoint;
mod error;
mod exporter;
mod flight;
mod fork;
mod metrics;
mod overflow;
mod pace;
mod pipeline;
mod processor;
mod protocol;
mod queue;
mod report;
#[cfg(feature = "sampling")]
#[cfg_attr(docsrs, doc(cfg(feature = "sampling")))]
pub mod sampling;
mod secret;
mod server_span;
mod session;
#[cfg(feature = "logs")]
mod session_logs;
mod size;
mod span;
mod spans;
mod spool;
mod stats;
mod store;
mod transport;
mod way;
mod wire;
mod written;

pub use self::builder::PipelineBuilder;
pub use self::error::{FlushError, PipelineError, Setting, ShutdownError};
pub use self::pipeline::Pipeline;
pub use self::protocol::{Compression, Protocol};
#[cfg(feature = "logs")]
#[cfg_attr(docsrs, doc(cfg(feature = "logs")))]
pub use self::session_logs::SessionLogProcessor;
pub use self::spans::PipelineSpans;
pub use self::stats::{DropReason, Stats, StatsHandle};
