//! An HTTP request over a socket, bounded in time and size.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How long a request may take, its answer's body included.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// An HTTP/1.1 client; clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Client(HyperClient<HttpConnector, Empty<Bytes>>);

impl Client {
    pub(crate) fn new() -> Self {
        Self(HyperClient::builder(TokioExecutor::new()).build_http())
    }

    /// Status and body, or in words why there is none.
    pub(crate) async fn fetch(
        &self,
        request: Request<Empty<Bytes>>,
    ) -> Result<(StatusCode, Bytes), String> {
        match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }

    async fn exchange(
        &self,
        request: Request<Empty<Bytes>>,
    ) -> Result<(StatusCode, Bytes), String> {
        let response = self.0.request(request).await;
        let (head, body) = response.map_err(|error| whole(&error))?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| whole(&*error))?;
        Ok((head.status, body.to_bytes()))
    }
}

/// The error with its causes; hyper's own text leaves them out.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
