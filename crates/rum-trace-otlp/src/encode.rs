//! A batch as the bytes of an OTLP request, encoded and compressed once,
//! however often it is sent.

use std::io;

use bytes::Bytes;
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use prost::Message as _;
use rum_trace_core::tracer::scope;

use crate::ended::Ended;
use crate::error::ExportError;
use crate::protocol::Compression;
use crate::{span, wire};

/// Encodes batches of one resource.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// Of `ResourceSpans`: the resource and its schema.
    resource: Vec<u8>,
    compression: Compression,
    /// Of the layers' own spans.
    layers: InstrumentationScope,
}

impl Encoder {
    pub(crate) fn new(resource: &Resource, compression: Compression) -> Self {
        let resource: ResourceAttributesWithSchema = resource.into();
        let resource = ResourceSpans {
            resource: Some(ProtoResource {
                attributes: resource.attributes.0,
                ..ProtoResource::default()
            }),
            schema_url: resource.schema_url.unwrap_or_default(),
            scope_spans: Vec::new(),
        };
        Self {
            resource: resource.encode_to_vec(),
            compression,
            layers: scope(),
        }
    }

    pub(crate) fn compression(&self) -> Compression {
        self.compression
    }

    pub(crate) fn encode(&self, batch: Vec<Ended>) -> Result<Bytes, ExportError> {
        compress(self.compression, self.request(batch))
            .map(Bytes::from)
            .map_err(|error| ExportError(format!("the batch cannot be compressed: {error}")))
    }

    /// `ExportTraceServiceRequest { resource_spans = 1 }`, and `ResourceSpans {
    /// scope_spans = 2 }` of the one resource.
    fn request(&self, batch: Vec<Ended>) -> Vec<u8> {
        let scopes = self.scopes(batch);
        let lens = scopes.iter().map(|scope| wire::prefixed(scope.bytes.len()));
        let len = self.resource.len() + lens.sum::<usize>();
        let mut request = Vec::with_capacity(wire::prefixed(len));
        wire::message(&mut request, 1, len);
        request.extend_from_slice(&self.resource);
        for scope in scopes {
            wire::bytes(&mut request, 2, &scope.bytes);
        }
        request
    }

    /// The spans by their scope.
    fn scopes(&self, batch: Vec<Ended>) -> Vec<Scope> {
        let mut scopes = Vec::new();
        let mut scratch = Vec::new();
        for span in batch {
            match span {
                Ended::Bytes(bytes) => Scope::of(&mut scopes, &self.layers).push(&bytes),
                Ended::Span(span) => {
                    scratch.clear();
                    span::write(&mut scratch, &span);
                    Scope::of(&mut scopes, &span.instrumentation_scope).push(&scratch);
                }
            }
        }
        scopes
    }
}

/// The spans of one scope: a `ScopeSpans`.
struct Scope {
    scope: InstrumentationScope,
    bytes: Vec<u8>,
}

impl Scope {
    /// The one of these; there are a few in a process.
    fn of<'a>(scopes: &'a mut Vec<Scope>, wanted: &InstrumentationScope) -> &'a mut Scope {
        let place = scopes.iter().position(|known| known.scope == *wanted);
        let place = place.unwrap_or_else(|| {
            scopes.push(Scope::new(wanted));
            scopes.len() - 1
        });
        &mut scopes[place]
    }

    fn new(scope: &InstrumentationScope) -> Self {
        let head = ScopeSpans {
            scope: Some((scope, None).into()),
            schema_url: scope.schema_url().unwrap_or_default().to_owned(),
            spans: Vec::new(),
        };
        Scope {
            scope: scope.clone(),
            bytes: head.encode_to_vec(),
        }
    }

    /// `ScopeSpans { spans = 2 }`.
    fn push(&mut self, span: &[u8]) {
        wire::bytes(&mut self.bytes, 2, span);
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
