//! The phone's connection: HTTP/1.1 over TCP or TLS, bounded in time and size, without
//! redirects.

mod tls;

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Collected, Empty, Limited};
use hyper_rustls::{
    DefaultServerNameResolver, HttpsConnector, HttpsConnectorBuilder, ResolveServerName,
};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::ServerName;

use super::target::TlsNames;
use crate::causes;

/// How much of an answer is read, in bytes: enough for the viewer's.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// How long a body is waited for.
const BODY: Duration = Duration::from_secs(3);

pub(crate) struct Client {
    client: HyperClient<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    timeout: Duration,
}

/// A response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoResponse {
    pub(crate) kind: NoResponseKind,
    /// In words; escape them.
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoResponseKind {
    /// No connection, so that a further request is no use.
    Unreachable,
    /// Connected, and then no answer, or none of HTTP.
    Unanswered,
    /// It was not sent: those before it had no response.
    Unsent,
}

impl Client {
    pub(crate) fn new(
        timeout: Duration,
        ca_file: Option<&Path>,
        names: TlsNames,
    ) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // So that it is known to be that, and not an answer that is late.
        tcp.set_connect_timeout(Some(timeout / 2));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(ca_file)?)
            .https_or_http()
            .with_server_name_resolver(Names(names))
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Client {
            client: HyperClient::builder(TokioExecutor::new()).build(connector),
            timeout,
        })
    }

    /// The response to it, whatever its status.
    pub(crate) async fn ask(&self, request: Request<Empty<Bytes>>) -> Result<Response, NoResponse> {
        let response = tokio::time::timeout(self.timeout, self.client.request(request)).await;
        let late = |_| NoResponse {
            kind: NoResponseKind::Unanswered,
            message: format!(
                "no answer within {} s; --timeout gives it longer",
                self.timeout.as_secs()
            ),
        };
        let response = response.map_err(late)?.map_err(|error| NoResponse {
            kind: match error.is_connect() {
                true => NoResponseKind::Unreachable,
                false => NoResponseKind::Unanswered,
            },
            message: in_words(&error),
        })?;
        let (head, body) = response.into_parts();
        // What stands in the head is what counts: a stream need not come to its end.
        let body = Limited::new(body, MAX_ANSWER).collect();
        let body = tokio::time::timeout(BODY, body).await;
        let body = body.ok().and_then(Result::ok);
        Ok(Response {
            status: head.status,
            headers: head.headers,
            body: body.map(Collected::to_bytes).unwrap_or_default(),
        })
    }
}

/// By which name TLS asks.
struct Names(TlsNames);

impl ResolveServerName for Names {
    fn resolve(&self, uri: &Uri) -> Result<ServerName<'static>, Box<dyn Error + Sync + Send>> {
        match self.0.of_uri(uri) {
            Some(name) => Ok(name),
            None => DefaultServerNameResolver::default().resolve(uri),
        }
    }
}

/// The error with its causes, and what to do about it.
fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut text = causes::in_words(error);
    let hint = causes::chain(error).find_map(|cause| {
        let tls = cause.downcast_ref::<rustls::Error>().and_then(tls::hint);
        tls.or_else(|| io_hint(cause.downcast_ref::<io::Error>()?))
    });
    if let Some(hint) = hint {
        text.push_str("; ");
        text.push_str(hint);
    }
    text
}

fn io_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some("nothing listens there: is the port right?"),
        io::ErrorKind::TimedOut => Some(
            "a firewall, or an address of another network? (HTTP_PROXY and HTTPS_PROXY are not used)",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_once_and_with_what_to_do() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let text = in_words(&io::Error::other(refused));
        assert_eq!(
            text,
            "connection refused; nothing listens there: is the port right?"
        );
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let text = in_words(&io::Error::other(tls));
        assert!(text.contains("--ca-file"), "{text}");
    }
}
