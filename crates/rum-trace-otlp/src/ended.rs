//! Spans that have ended, on their way to the export thread.

use opentelemetry_sdk::trace::SpanData;

use crate::{decode, size};

/// A span that waits to be exported.
#[derive(Debug)]
pub(crate) enum Ended {
    /// As the SDK has it. Boxed: what waits is written to memory that no cache has.
    Span(Box<SpanData>),
    /// A layer's own, which was written down as OTLP's `Span` while it lasted.
    Bytes(Vec<u8>),
}

impl Ended {
    /// Bytes of memory, as far as they can be told without asking the allocator.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Ended::Span(span) => size::of(span),
            Ended::Bytes(bytes) => bytes.capacity() as u64,
        }
    }
}

impl Ended {
    /// For an exporter that takes spans.
    pub(crate) fn into_span(self) -> Result<SpanData, prost::DecodeError> {
        match self {
            Ended::Span(span) => Ok(*span),
            Ended::Bytes(bytes) => decode::span(&bytes),
        }
    }
}

impl From<SpanData> for Ended {
    fn from(span: SpanData) -> Self {
        Ended::Span(Box::new(span))
    }
}

#[cfg(test)]
impl Ended {
    /// As OTLP has it.
    pub(crate) fn decoded(self) -> opentelemetry_proto::tonic::trace::v1::Span {
        match self {
            Ended::Span(span) => (*span).into(),
            Ended::Bytes(bytes) => prost::Message::decode(&bytes[..]).expect("it is OTLP"),
        }
    }
}
