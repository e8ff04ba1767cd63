//! The way to the collector: one attempt to deliver one encoded batch.
//!
//! Both transports take the same bytes, encoded once; what is tried again,
//! and when, is decided in [`crate::exporter`].

#[cfg(feature = "grpc")]
mod codec;
mod failure;
pub(crate) mod fresh;
#[cfg(feature = "grpc")]
mod grpc;
mod http;
mod retry_after;
pub(crate) mod runtime;
mod tls;

use bytes::Bytes;
use hyper_util::client::legacy::connect::HttpConnector;

pub(crate) use self::failure::{Failure, Retry};
use crate::config::TransportConfig;
use crate::error::PipelineError;
use crate::protocol::Protocol;
use crate::secret::Redactor;

/// What the collector answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Spans that it received and will not keep.
    pub(crate) rejected: u64,
    /// Its reason, or a warning, without our secrets.
    pub(crate) message: String,
}

/// A connection to a collector.
#[derive(Debug)]
pub(crate) enum Transport {
    Http(Box<http::HttpTransport>),
    #[cfg(feature = "grpc")]
    Grpc(Box<grpc::GrpcTransport>),
}

impl Transport {
    /// Sets the connection up; nothing is sent yet. Must be called inside the
    /// worker's runtime, which the connections then live in.
    pub(crate) fn new(config: &TransportConfig) -> Result<Self, PipelineError> {
        match config.protocol {
            Protocol::HttpProtobuf => http::HttpTransport::new(config)
                .map(Box::new)
                .map(Self::Http),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => grpc::GrpcTransport::new(config)
                .map(Box::new)
                .map(Self::Grpc),
            #[cfg(not(feature = "grpc"))]
            Protocol::Grpc => Err(PipelineError::MissingFeature {
                setting: crate::Setting::Code("protocol"),
                feature: "grpc",
            }),
        }
    }

    /// The type of the exporter, as the conventions name it.
    pub(crate) fn component(&self) -> &'static str {
        match self {
            Self::Http(_) => "otlp_http_span_exporter",
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => "otlp_grpc_span_exporter",
        }
    }

    /// Sends `body` once.
    pub(crate) async fn attempt(&self, body: Bytes) -> Result<Delivery, Failure> {
        match self {
            Self::Http(http) => http.attempt(body).await,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.attempt(body).await,
        }
    }
}

/// The name that collectors see.
const USER_AGENT: &str = concat!("rum-trace-otlp/", env!("CARGO_PKG_VERSION"));

/// Knows everything of `config` that must not be printed.
fn redactor(config: &TransportConfig) -> Redactor {
    let values = config.headers.values().filter_map(|v| v.to_str().ok());
    // Of `Bearer x`, `x` alone too.
    let values = values.flat_map(|value| std::iter::once(value).chain(value.split(' ')));
    Redactor::new(config.endpoint.secrets().into_iter().chain(values))
}

/// The TCP side of a connector.
fn tcp_connector(config: &TransportConfig) -> HttpConnector {
    let mut connector = HttpConnector::new();
    // It is asked for https too: TLS is put on top of it.
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(config.timeout));
    connector.set_keepalive(Some(std::time::Duration::from_secs(60)));
    connector
}

/// Reads OTLP's answer to an export. One that cannot be read is an empty one:
/// the batch was acknowledged all the same.
fn read_response(body: &[u8], redactor: &Redactor) -> Delivery {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
    use prost::Message as _;

    let partial = ExportTraceServiceResponse::decode(body)
        .ok()
        .and_then(|response| response.partial_success);
    partial.map_or_else(Delivery::default, |partial| Delivery {
        rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
        message: redactor.clean(&partial.error_message),
    })
}
