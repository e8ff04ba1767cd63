//! Requests to an axum router.

pub mod layers;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body::Body as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tower_service::Service;
use tracing::Dispatch;

use crate::load::{Load, PATH, PEER, ROUTE};
use crate::subject::{Scoped, Subject, at_once};

async fn user() -> &'static str {
    "a user"
}

/// The router that layers are put on.
pub fn router() -> Router {
    Router::new().route(ROUTE, get(user))
}

/// With its layers applied, as `axum::serve` does for each connection: a router that is
/// called without it applies them at each request.
fn ready(router: Router) -> Router {
    router.with_state(())
}

/// A router under a layer, and the `tracing` subscriber that it is to run under.
#[derive(Clone, Debug)]
pub struct Layered {
    /// The router.
    pub router: Router,
    /// The subscriber, if it needs one.
    pub subscriber: Option<Dispatch>,
}

impl Layered {
    /// One that needs no subscriber.
    #[must_use]
    pub fn plain(router: Router) -> Self {
        Layered {
            router: ready(router),
            subscriber: None,
        }
    }

    /// One under its own subscriber.
    #[must_use]
    pub fn under(subscriber: Dispatch, router: Router) -> Self {
        Layered {
            router: ready(router),
            subscriber: Some(subscriber),
        }
    }

    /// With requests to serve.
    #[must_use]
    pub fn scoped(self, load: Load) -> Scoped {
        let subject = InAxum::new(self.router, load);
        match self.subscriber {
            Some(subscriber) => Scoped::under(subscriber, subject),
            None => Scoped::plain(subject),
        }
    }
}

/// A router, and the requests of a load.
pub struct InAxum {
    router: Router,
    headers: HeaderMap,
    prepared: Vec<Request<Body>>,
}

impl InAxum {
    /// Requests of this load to this router.
    pub fn new(router: Router, load: Load) -> Self {
        let header = |(name, value): (String, String)| {
            let name = name.parse::<HeaderName>().expect("a name");
            (name, value.parse::<HeaderValue>().expect("a value"))
        };
        InAxum {
            router,
            headers: load.headers().into_iter().map(header).collect(),
            prepared: Vec::new(),
        }
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static(PATH);
        *request.headers_mut() = self.headers.clone();
        request.extensions_mut().insert(ConnectInfo(PEER));
        request
    }
}

impl Subject for InAxum {
    fn prepare(&mut self, count: usize) {
        for _ in 0..count {
            self.prepared.push(self.request());
        }
    }

    fn serve(&mut self) {
        let request = self.prepared.pop().expect("one was prepared");
        let response = at_once(self.router.call(request));
        let response = response.unwrap_or_else(|never| match never {});
        assert!(response.status().is_success());
        drain(response.into_body());
    }
}

/// Takes a body to its end, as a server that writes it out does.
fn drain(body: Body) {
    let mut body = pin!(body);
    let mut context = Context::from_waker(Waker::noop());
    while !body.is_end_stream() {
        match body.as_mut().poll_frame(&mut context) {
            Poll::Ready(Some(frame)) => drop(frame.expect("the body is whole")),
            Poll::Ready(None) => break,
            Poll::Pending => panic!("a body waits for something"),
        }
    }
}
