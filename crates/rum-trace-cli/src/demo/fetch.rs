//! An HTTP request over a socket, bounded in time and size.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower_service::Service;

use crate::causes::in_words;

/// How long a request may take, its answer's body included.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// An HTTP/1.1 client; clones share its connections.
pub(crate) type Client = HyperClient<HttpConnector, Empty<Bytes>>;

/// A new one, without connections.
pub(crate) fn client() -> Client {
    HyperClient::builder(TokioExecutor::new()).build_http()
}

/// Status and body, or in words why there is none.
pub(crate) async fn fetch<S, B>(
    client: S,
    request: Request<Empty<Bytes>>,
) -> Result<(StatusCode, Bytes), String>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match tokio::time::timeout(PATIENCE, exchange(client, request)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// hyper's client is ready at any time, and so is what wraps it.
async fn exchange<S, B>(
    mut client: S,
    request: Request<Empty<Bytes>>,
) -> Result<(StatusCode, Bytes), String>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let response = client.call(request).await;
    let (head, body) = response
        .map_err(|error| in_words(&*error.into()))?
        .into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    let body = body.map_err(|error| in_words(&*error))?;
    Ok((head.status, body.to_bytes()))
}
