//! OTLP over gRPC.

use std::error::Error as _;
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Extensions, Request, Status};
use tonic_types::StatusExt as _;
use tower_service::Service;

use super::codec::BytesCodec;
use super::fresh::FreshHeaders;
use super::{Delivery, Failure, Retry, read_response, redactor};
use crate::config::TransportConfig;
use crate::error::{PipelineError, Setting};
use crate::protocol::Compression;
use crate::secret::Redactor;

const EXPORT: PathAndQuery =
    PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export");

/// A lazily connected channel with the metadata that goes along.
pub(crate) struct GrpcTransport {
    client: Grpc<Channel>,
    metadata: MetadataMap,
    fresh: FreshHeaders,
    redactor: Redactor,
}

impl GrpcTransport {
    pub(super) fn new(config: &TransportConfig) -> Result<Self, PipelineError> {
        Ok(Self {
            client: compressed(Grpc::new(channel(config)?), config.compression),
            metadata: MetadataMap::from_headers(config.headers.clone()),
            fresh: config.fresh_headers.clone(),
            redactor: redactor(config),
        })
    }

    pub(super) async fn attempt(&self, body: Bytes) -> Result<Delivery, Failure> {
        let mut client = self.client.clone();
        client
            .ready()
            .await
            .map_err(|error| Failure::of_connection("the request failed", &error))?;
        let mut headers = self.metadata.clone().into_headers();
        let redactor = self.fresh.apply(&mut headers, &self.redactor)?;
        let metadata = MetadataMap::from_headers(headers);
        let request = Request::from_parts(metadata, Extensions::new(), body);
        match client.unary(request, EXPORT, BytesCodec).await {
            Ok(response) => Ok(read_response(&response.into_inner(), &redactor)),
            Err(status) => Err(self.failure(&status, &redactor)),
        }
    }

    fn failure(&self, status: &Status, redactor: &Redactor) -> Failure {
        // With a source, tonic made the status itself of an error below it;
        // without one, the collector sent it.
        if let Some(source) = status.source() {
            return Failure::of_connection("the request failed", source);
        }
        let message = describe(status.code(), &redactor.clean(status.message()));
        let mut again = retry(status);
        if matches!(
            status.code(),
            Code::Unauthenticated | Code::PermissionDenied
        ) {
            again = self.fresh.may_mend(again);
        }
        Failure::new(message, again)
    }
}

impl fmt::Debug for GrpcTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of the metadata are marked as sensitive.
        f.debug_struct("GrpcTransport")
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

fn compressed(client: Grpc<Channel>, compression: Compression) -> Grpc<Channel> {
    match compression {
        #[cfg(feature = "gzip")]
        Compression::Gzip => client.send_compressed(tonic::codec::CompressionEncoding::Gzip),
        #[cfg(feature = "zstd")]
        Compression::Zstd => client.send_compressed(tonic::codec::CompressionEncoding::Zstd),
        // What was not compiled in has been refused when the pipeline was built.
        _ => client,
    }
}

fn channel(config: &TransportConfig) -> Result<Channel, PipelineError> {
    let uri = config.endpoint.uri();
    let invalid = |_| PipelineError::invalid(Setting::Code("endpoint"), "the URL is not valid");
    // tonic is told `http` and TLS is done by our connector: given an `https`
    // URI it would fail as soon as any crate in the tree turned its own TLS on.
    let endpoint = Endpoint::from_shared(with_scheme(uri, Scheme::HTTP).to_string())
        .map_err(invalid)?
        .origin(uri.clone())
        .user_agent(super::USER_AGENT)
        .map_err(invalid)?
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(super::tls::client_config(config)?)
        .https_or_http()
        .enable_http2()
        .wrap_connector(super::tcp_connector(config));
    Ok(endpoint.connect_with_connector_lazy(FixedConnector {
        inner: https,
        target: uri.clone(),
    }))
}

fn with_scheme(uri: &Uri, scheme: Scheme) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(scheme);
    // The other parts are those of a valid absolute URI.
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// Connects to the real endpoint, whatever tonic was told.
#[derive(Clone)]
struct FixedConnector {
    inner: HttpsConnector<HttpConnector>,
    target: Uri,
}

impl Service<Uri> for FixedConnector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = <HttpsConnector<HttpConnector> as Service<Uri>>::Error;
    type Future = <HttpsConnector<HttpConnector> as Service<Uri>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        self.inner.call(self.target.clone())
    }
}

/// OTLP specification, "Failures": the codes that may be tried again.
fn retry(status: &Status) -> Retry {
    let pause = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    match (status.code(), pause) {
        (
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
            | Code::ResourceExhausted,
            Some(pause),
        ) => Retry::After(pause),
        // Without that the resource will not come back by waiting.
        (Code::ResourceExhausted, None) => Retry::Never,
        (
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss,
            None,
        ) => Retry::Backoff,
        _ => Retry::Never,
    }
}

fn describe(code: Code, message: &str) -> String {
    let mut text = format!("the collector answered {code:?}");
    if !message.is_empty() {
        text.push_str(": ");
        text.push_str(message);
    }
    let hint = match code {
        Code::Unauthenticated | Code::PermissionDenied => "check the token or the headers",
        Code::Unimplemented => {
            "check that the port is the one for OTLP over gRPC (4317 for most collectors), \
             and the compression"
        }
        _ => return text,
    };
    text.push_str("; ");
    text.push_str(hint);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn only_the_codes_of_the_specification_are_tried_again() {
        for code in (0..17).map(Code::from_i32) {
            let again = matches!(
                code,
                Code::Cancelled
                    | Code::DeadlineExceeded
                    | Code::Aborted
                    | Code::OutOfRange
                    | Code::Unavailable
                    | Code::DataLoss
            );
            let wanted = if again { Retry::Backoff } else { Retry::Never };
            assert_eq!(retry(&Status::new(code, "")), wanted, "{code:?}");
        }
    }

    #[test]
    fn retry_info_is_heard_and_makes_an_exhausted_resource_worth_waiting_for() {
        let pause = Duration::from_millis(1_500);
        let details = ErrorDetails::with_retry_info(Some(pause));
        for (code, wanted) in [
            (Code::ResourceExhausted, Retry::After(pause)),
            (Code::Unavailable, Retry::After(pause)),
            (Code::InvalidArgument, Retry::Never),
        ] {
            let status = Status::with_error_details(code, "", details.clone());
            assert_eq!(retry(&status), wanted, "{code:?}");
        }
    }
}
