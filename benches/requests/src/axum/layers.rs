//! Layers to compare with: one that does nothing, and the SDK alone.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use axum::extract::ConnectInfo;
use http::{HeaderName, Request, Response};
use opentelemetry::Context;
use opentelemetry::propagation::Extractor;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::alone::{self, Alone, Asked};

/// Hands everything through. What it costs is what axum takes for any layer.
#[derive(Clone, Debug)]
pub struct Nothing;

/// [`Nothing`]'s service.
#[derive(Clone, Debug)]
pub struct NothingService<S>(S);

impl<S> Layer<S> for Nothing {
    type Service = NothingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        NothingService(inner)
    }
}

impl<S, B> Service<Request<B>> for NothingService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.0.call(request)
    }
}

impl<S> Layer<S> for Alone {
    type Service = AloneService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AloneService {
            inner,
            alone: self.clone(),
        }
    }
}

/// The service of the SDK alone.
#[derive(Clone, Debug)]
pub struct AloneService<S> {
    inner: S,
    alone: Alone,
}

impl<S, B, R> Service<Request<B>> for AloneService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Attached<S::Future>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let cx = self.alone.start(&AskedAxum(&request));
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

impl<F, R, E> Future for Attached<F>
where
    F: Future<Output = Result<Response<R>, E>>,
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

struct AskedAxum<'a, B>(&'a Request<B>);

impl<B> Extractor for AskedAxum<'_, B> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.headers().get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.headers().keys().map(HeaderName::as_str).collect()
    }
}

impl<B> Asked for AskedAxum<'_, B> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn path(&self) -> &str {
        self.0.uri().path()
    }

    fn peer(&self) -> Option<SocketAddr> {
        let connection = self.0.extensions().get::<ConnectInfo<SocketAddr>>();
        connection.map(|ConnectInfo(peer)| *peer)
    }
}
