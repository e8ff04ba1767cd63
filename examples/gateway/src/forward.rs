//! A request's way to the upstream, and its answer's way back.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rum_trace::Instrumenter;
use rum_trace::tower::client::{ResponseBody, RumTraceClient, RumTraceClientLayer};
use tower::timeout::{Timeout, TimeoutLayer};
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{Upstream, fields};

/// The limit of time is inside of the layer, which so knows of it.
type Traced = RumTraceClient<Timeout<Client<HttpConnector, Incoming>>>;

/// The upstream's body, or the gateway's own.
pub(crate) type Body = Either<ResponseBody<Incoming>, Full<Bytes>>;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Forwards requests of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    client: Traced,
    upstream: Upstream,
    peer: Option<SocketAddr>,
}

impl Forward {
    pub(crate) fn new(instrumenter: Instrumenter, upstream: Upstream, timeout: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .http2_only(upstream.is_http2)
            .build_http();
        Forward {
            client: ServiceBuilder::new()
                .layer(RumTraceClientLayer::new(instrumenter))
                .layer(TimeoutLayer::new(timeout))
                .service(client),
            upstream,
            peer: None,
        }
    }

    pub(crate) fn with_peer(mut self, peer: SocketAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    async fn forward(self, request: Request<Incoming>) -> Response<Body> {
        let request = match self.outgoing(request) {
            Ok(request) => request,
            Err(status) => return own(status),
        };
        match self.client.oneshot(request).await {
            Ok(response) => back(response),
            Err(failure) => own(status_of(&failure)),
        }
    }

    /// The request as the upstream is to have it.
    fn outgoing(&self, mut request: Request<Incoming>) -> Result<Request<Incoming>, StatusCode> {
        // A tunnel is not what a reverse proxy is for.
        if request.method() == Method::CONNECT {
            return Err(StatusCode::NOT_IMPLEMENTED);
        }
        let url = self.upstream.url(request.uri());
        *request.uri_mut() = url.map_err(|_| StatusCode::BAD_REQUEST)?;
        let came_in = request.version();
        *request.version_mut() = self.version();
        fields::of_request(request.headers_mut(), self.peer.map(|peer| peer.ip()));
        fields::via(request.headers_mut(), came_in);
        Ok(request)
    }

    fn version(&self) -> Version {
        if self.upstream.is_http2 {
            Version::HTTP_2
        } else {
            Version::HTTP_11
        }
    }
}

fn back(mut response: Response<ResponseBody<Incoming>>) -> Response<Body> {
    fields::of_response(response.headers_mut());
    let came_in = response.version();
    fields::via(response.headers_mut(), came_in);
    // What the client speaks is known to its connection.
    *response.version_mut() = Version::default();
    response.map(Either::Left)
}

fn status_of(failure: &Failure) -> StatusCode {
    if failure.is::<tower::timeout::error::Elapsed>() {
        StatusCode::GATEWAY_TIMEOUT
    } else {
        StatusCode::BAD_GATEWAY
    }
}

/// Nothing of what went wrong inside is a stranger's business: it is on the spans.
fn own(status: StatusCode) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Either::Right(Full::from(reason)));
    *response.status_mut() = status;
    response
}

impl Service<Request<Incoming>> for Forward {
    type Response = Response<Body>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let forwarded = self.clone().forward(request);
        Box::pin(async move { Ok(forwarded.await) })
    }
}
