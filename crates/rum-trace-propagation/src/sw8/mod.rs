//! SkyWalking's headers: `sw8` (Cross Process Propagation Headers v3), `sw8-x`
//! and `sw8-correlation`, and its ids as OpenTelemetry ids.

mod base64;
pub mod correlation;
mod encode;
mod extension;
mod header;
mod ids;

pub use encode::{MAX_LEN, Sw8Parts};
pub use extension::{Sw8Extension, Sw8ExtensionError, Sw8ExtensionPart};
pub use header::{Sw8, Sw8Error, Sw8Part, is_not_recording};
pub use ids::{otel_span_id, otel_trace_id, segment_id};

/// Text that a browser's `btoa` may have written: its bytes are Latin-1.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
