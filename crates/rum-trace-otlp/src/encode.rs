//! A batch as the bytes of an OTLP request, encoded and compressed once,
//! however often it is sent.

use std::io;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;

use crate::error::ExportError;
use crate::protocol::Compression;

/// Encodes batches of one resource.
#[derive(Debug)]
pub(crate) struct Encoder {
    resource: ResourceAttributesWithSchema,
    compression: Compression,
}

impl Encoder {
    pub(crate) fn new(resource: &Resource, compression: Compression) -> Self {
        Self {
            resource: resource.into(),
            compression,
        }
    }

    pub(crate) fn compression(&self) -> Compression {
        self.compression
    }

    pub(crate) fn encode(&self, batch: Vec<SpanData>) -> Result<Bytes, ExportError> {
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(batch, &self.resource),
        };
        compress(self.compression, request.encode_to_vec())
            .map(Bytes::from)
            .map_err(|error| ExportError(format!("the batch cannot be compressed: {error}")))
    }
}

fn compress(compression: Compression, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(bytes),
        #[cfg(feature = "gzip")]
        Compression::Gzip => gzip(&bytes),
        #[cfg(feature = "zstd")]
        Compression::Zstd => zstd::bulk::compress(&bytes, zstd::DEFAULT_COMPRESSION_LEVEL),
        // The builder refuses what was not compiled in.
        #[cfg(not(all(feature = "gzip", feature = "zstd")))]
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// A body that was compressed in one way, for a collector that is sent another.
pub(crate) fn recompress(from: Compression, to: Compression, body: Bytes) -> io::Result<Bytes> {
    if from == to {
        return Ok(body);
    }
    compress(to, decompress(from, &body)?).map(Bytes::from)
}

fn decompress(compression: Compression, bytes: &[u8]) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(bytes.to_vec()),
        #[cfg(feature = "gzip")]
        Compression::Gzip => {
            let mut plain = Vec::new();
            io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut plain)?;
            Ok(plain)
        }
        #[cfg(feature = "zstd")]
        Compression::Zstd => zstd::stream::decode_all(bytes),
        #[cfg(not(all(feature = "gzip", feature = "zstd")))]
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(feature = "gzip")]
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    use std::io::Write as _;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
