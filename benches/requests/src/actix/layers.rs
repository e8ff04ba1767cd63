//! Middlewares to compare with: one that does nothing, and the SDK alone.

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::HeaderName;
use opentelemetry::Context;
use opentelemetry::propagation::Extractor;
use pin_project_lite::pin_project;

use crate::alone::{self, Alone, Asked};

/// Hands everything through.
#[derive(Clone, Debug)]
pub struct Nothing;

/// [`Nothing`]'s service.
#[derive(Debug)]
pub struct NothingService<S> {
    inner: S,
}

impl<S, B> Transform<S, ServiceRequest> for Nothing
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = NothingService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(NothingService { inner }))
    }
}

impl<S, B> Service<ServiceRequest> for NothingService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = S::Future;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> S::Future {
        self.inner.call(request)
    }
}

impl<S, B> Transform<S, ServiceRequest> for Alone
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = AloneService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        let alone = self.clone();
        ready(Ok(AloneService { inner, alone }))
    }
}

/// The service of the SDK alone.
#[derive(Debug)]
pub struct AloneService<S> {
    inner: S,
    alone: Alone,
}

impl<S, B> Service<ServiceRequest> for AloneService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = Attached<S::Future>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let cx = self.alone.start(&AskedActix(&request));
        Attached {
            inner: self.inner.call(request),
            cx,
        }
    }
}

pin_project! {
    /// The span is active in each poll, and ends with the response's head.
    pub struct Attached<F> {
        #[pin]
        inner: F,
        cx: Context,
    }
}

impl<F, B> Future for Attached<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _active = this.cx.clone().attach();
        let result = ready!(this.inner.poll(task));
        if let Ok(response) = &result {
            alone::end(this.cx, response.status().as_u16());
        }
        Poll::Ready(result)
    }
}

struct AskedActix<'a>(&'a ServiceRequest);

impl Extractor for AskedActix<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.headers().get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.headers().keys().map(HeaderName::as_str).collect()
    }
}

impl Asked for AskedActix<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn path(&self) -> &str {
        self.0.path()
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.0.peer_addr()
    }
}
