//! OTLP as it comes over HTTP and gRPC: read within bounds, decoded within
//! bounds, answered as the specification says.

mod answer;
mod body;
mod decoders;
mod encoding;
pub(super) mod grpc;
pub(super) mod http;
mod json;
mod receiver;
mod weigh;
#[cfg(test)]
mod world;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::stats::Reason;
use body::InFlight;
use decoders::Decoders;
pub(crate) use encoding::Coding;
pub(crate) use receiver::Receiver;

/// The decoders that work at a time, however many processors there are: each
/// may take as much memory as a request may decode to.
const DECODERS: usize = 2;

/// How much a sender may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLimits {
    /// Bytes of a body, as it is sent and once it is decompressed. A full batch
    /// of an SDK (512 spans) is around an eighth of it.
    pub(crate) body: usize,
    /// Bytes of memory of a decoded request, by an estimate: two bytes on the
    /// wire can be a whole empty span.
    pub(crate) decoded: usize,
    /// Bytes of all bodies that are being read at a time.
    pub(crate) in_flight: usize,
    /// How long a body may take.
    pub(crate) body_time: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            body: 8 * MIB,
            decoded: 32 * MIB,
            in_flight: 32 * MIB,
            body_time: Duration::from_secs(20),
        }
    }
}

/// A request that is not taken, and what its sender is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Protobuf,
    Json,
}

/// What all requests share, over either transport: their bounds.
#[derive(Debug)]
struct Bounds {
    limits: RequestLimits,
    in_flight: Arc<InFlight>,
    decoders: Decoders,
}

impl Refusal {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    fn malformed(error: &impl ToString) -> Self {
        Self::new(Reason::Malformed, error.to_string())
    }

    fn too_large(limits: RequestLimits) -> Self {
        let message = format!(
            "a request has at most {} bytes, compressed or not, and at most {} once it is decoded: \
             let the exporter send smaller batches",
            limits.body, limits.decoded
        );
        Self::new(Reason::BodyTooLarge, message)
    }
}

impl Bounds {
    fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            in_flight: Arc::new(InFlight::new(limits.in_flight)),
            decoders: Decoders::start(DECODERS),
        }
    }
}

/// A body that is not compressed any more. It must not be longer than the limit.
pub(crate) fn decode(
    body: Bytes,
    media_type: MediaType,
    limits: RequestLimits,
) -> Result<ExportTraceServiceRequest, Refusal> {
    let fits = match media_type {
        MediaType::Protobuf => weigh::protobuf(&body, limits.decoded),
        MediaType::Json => weigh::json(&body, limits.decoded),
    };
    if !fits {
        return Err(Refusal::too_large(limits));
    }
    match media_type {
        MediaType::Protobuf => {
            ExportTraceServiceRequest::decode(body).map_err(|error| Refusal::malformed(&error))
        }
        MediaType::Json => json::decode(&body).map_err(|error| Refusal::malformed(&error)),
    }
}
