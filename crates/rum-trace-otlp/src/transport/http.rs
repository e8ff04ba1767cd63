//! OTLP over HTTP/1.1 with protobuf bodies.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use prost::Message;

use super::fresh::FreshHeaders;
use super::{Delivery, Failure, Retry, read_response, redactor, retry_after, tls};
use crate::config::TransportConfig;
use crate::error::PipelineError;
use crate::secret::Redactor;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// Answers are some bytes long; a proxy's error page is not read further.
const MAX_RESPONSE: usize = 64 * 1024;

/// A pooled HTTP client with everything that a request needs.
pub(crate) struct HttpTransport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    fresh: FreshHeaders,
    redactor: Redactor,
}

impl HttpTransport {
    pub(super) fn new(config: &TransportConfig) -> Result<Self, PipelineError> {
        let connector = connector(config)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(1)
            .build(connector);
        Ok(Self {
            client,
            uri: config.endpoint.uri().clone(),
            headers: headers(config),
            fresh: config.fresh_headers.clone(),
            redactor: redactor(config),
        })
    }

    pub(super) async fn attempt(&self, body: Bytes) -> Result<Delivery, Failure> {
        let mut request = Request::post(self.uri.clone())
            .body(Full::new(body))
            .map_err(|_| Failure::new("the request cannot be built", Retry::Never))?;
        let mut headers = self.headers.clone();
        let redactor = self.fresh.apply(&mut headers, &self.redactor)?;
        *request.headers_mut() = headers;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| Failure::of_connection("the request failed", &error))?;
        self.read(response, &redactor).await
    }

    async fn read<B>(&self, response: Response<B>, redactor: &Redactor) -> Result<Delivery, Failure>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_RESPONSE).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        if head.status.is_success() {
            // The batch was accepted, whatever became of the rest.
            return Ok(read_response(&body.unwrap_or_default(), redactor));
        }
        let reason = reason(&head.headers, &body.unwrap_or_default());
        let mut again = retry(head.status, &head.headers);
        if matches!(
            head.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            again = self.fresh.may_mend(again);
        }
        Err(Failure::new(
            describe(head.status, &redactor.clean(&reason)),
            again,
        ))
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the URI; the header values are marked as sensitive.
        f.debug_struct("HttpTransport")
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

fn connector(config: &TransportConfig) -> Result<HttpsConnector<HttpConnector>, PipelineError> {
    let tls = tls::client_config(config)?;
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(super::tcp_connector(config)))
}

fn headers(config: &TransportConfig) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(super::USER_AGENT));
    headers.extend(config.headers.clone());
    headers.insert(CONTENT_TYPE, PROTOBUF);
    if let Some(encoding) = config.body_compression().content_encoding() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers
}

/// OTLP specification, "Failures": these may be tried again, all others not.
fn retry(status: StatusCode, headers: &HeaderMap) -> Retry {
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            retry_after::pause(headers).map_or(Retry::Backoff, Retry::After)
        }
        _ => Retry::Never,
    }
}

/// `google.rpc.Status`, which OTLP collectors answer errors with.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The collector's own words, if it has any that are for reading.
fn reason(headers: &HeaderMap, body: &[u8]) -> String {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/x-protobuf") {
        return RpcStatus::decode(body).map_or_else(|_| String::new(), |status| status.message);
    }
    if kind.starts_with("text/plain") || kind.starts_with("application/json") {
        return String::from_utf8_lossy(body).into_owned();
    }
    String::new()
}

fn describe(status: StatusCode, reason: &str) -> String {
    let mut text = format!("the collector answered {status}");
    if !reason.is_empty() {
        text.push_str(": ");
        text.push_str(reason);
    }
    if let Some(hint) = hint(status) {
        text.push_str("; ");
        text.push_str(hint);
    }
    text
}

fn hint(status: StatusCode) -> Option<&'static str> {
    match status.as_u16() {
        300..=399 => Some("redirects are not followed: give the final URL as the endpoint"),
        401 | 403 => Some("check the token or the headers, and the path of a managed service"),
        404 | 405 => Some(
            "check the path: `endpoint` appends /v1/traces, `traces_endpoint` takes the URL \
             as it stands",
        ),
        400 => Some("if compression is on, check that the collector takes it"),
        413 => Some("lower `max_export_batch_size`, or turn compression on"),
        415 => Some("the collector does not take this compression, or no protobuf"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_codes_of_the_specification_are_tried_again() {
        let none = HeaderMap::new();
        for code in 100..600 {
            let status = StatusCode::from_u16(code).unwrap();
            let again = matches!(code, 429 | 502 | 503 | 504);
            assert_eq!(retry(status, &none) == Retry::Backoff, again, "{code}");
        }
    }

    #[test]
    fn retry_after_is_heard_only_where_another_attempt_is_allowed() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("7"));
        let seven = Retry::After(Duration::from_secs(7));
        for (status, wanted) in [
            (StatusCode::SERVICE_UNAVAILABLE, seven),
            (StatusCode::TOO_MANY_REQUESTS, seven),
            (StatusCode::BAD_REQUEST, Retry::Never),
        ] {
            assert_eq!(retry(status, &headers), wanted, "{status}");
        }
        headers.insert("retry-after", HeaderValue::from_static("soon"));
        let unread = retry(StatusCode::SERVICE_UNAVAILABLE, &headers);
        assert_eq!(unread, Retry::Backoff);
    }

    #[test]
    fn the_collectors_words_are_read_from_its_status() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, PROTOBUF);
        let status = RpcStatus {
            code: 3,
            message: "span too old".to_owned(),
        };
        assert_eq!(reason(&headers, &status.encode_to_vec()), "span too old");
        assert_eq!(reason(&headers, b"\xff\xff"), "");

        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        assert_eq!(reason(&headers, b"<h1>no</h1>"), "");
        assert_eq!(
            describe(StatusCode::NOT_FOUND, "").split(';').next(),
            Some("the collector answered 404 Not Found")
        );
    }
}
