//! SkyWalking's headers: `sw8` (Cross Process Propagation Headers v3), `sw8-x`
//! and `sw8-correlation`, and its ids as OpenTelemetry ids.

pub mod correlation;
mod encode;
mod extension;
mod header;
mod ids;

pub use encode::{MAX_LEN, Sw8Parts};
pub use extension::{Sw8Extension, Sw8ExtensionError, Sw8ExtensionPart};
pub use header::{Sw8, Sw8Error, Sw8Part};
pub use ids::{otel_span_id, otel_trace_id, segment_id};

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Reads with or without padding, and whatever the unused last bits are.
/// Writes padding, as every agent does.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(true),
);

/// Text that a browser's `btoa` may have written: its bytes are Latin-1.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
