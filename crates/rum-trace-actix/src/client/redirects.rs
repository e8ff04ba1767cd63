use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::{Service, forward_ready};
use awc::error::SendRequestError;
use awc::middleware::{Redirect, Transform};
use awc::{ConnectRequest, ConnectResponse};
use pin_project_lite::pin_project;

use super::origin::{Origin, Origins};
use super::{RumTraceClient, RumTraceClientMiddleware};

/// A [`RumTraceClient`] that follows redirects itself: see
/// [`RumTraceClient::redirects`].
#[must_use = "a middleware does nothing until it wraps a client"]
pub struct RumTraceRedirects {
    client: RumTraceClient,
    redirect: Redirect,
}

impl RumTraceRedirects {
    pub(super) fn new(client: RumTraceClient, redirect: Redirect) -> Self {
        RumTraceRedirects { client, redirect }
    }
}

impl<S> Transform<S, ConnectRequest> for RumTraceRedirects
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError> + 'static,
{
    type Transform = RumTraceRedirectsMiddleware<
        <Redirect as Transform<RumTraceClientMiddleware<S>, ConnectRequest>>::Transform,
    >;

    fn new_transform(self, service: S) -> Self::Transform {
        let origins = Origins::new(self.client.limit());
        let each = self.client.middleware(service, origins.clone());
        RumTraceRedirectsMiddleware {
            inner: self.redirect.new_transform(each),
            origins,
        }
    }
}

impl fmt::Debug for RumTraceRedirects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RumTraceRedirects")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// The [`Service`] that [`RumTraceRedirects`] makes.
pub struct RumTraceRedirectsMiddleware<R> {
    // awc's redirects, and in them the service that makes the spans.
    inner: R,
    origins: Origins,
}

impl<R> Service<ConnectRequest> for RumTraceRedirectsMiddleware<R>
where
    R: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
{
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = RedirectsFuture<R::Future>;

    forward_ready!(inner);

    fn call(&self, request: ConnectRequest) -> Self::Future {
        let mut origin = Some(self.origins.begin());
        let send = || self.inner.call(request);
        RedirectsFuture {
            inner: self.origins.within(&mut origin, send),
            origin,
            origins: self.origins.clone(),
        }
    }
}

impl<R> fmt::Debug for RumTraceRedirectsMiddleware<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RumTraceRedirectsMiddleware")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The response to come, of the request that is redirected no further.
    #[must_use = "futures do nothing unless polled"]
    pub struct RedirectsFuture<F> {
        #[pin]
        inner: F,
        // There except while it is polled.
        origin: Option<Origin>,
        origins: Origins,
    }
}

impl<F: Future> Future for RedirectsFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner;
        this.origins.within(this.origin, || inner.poll(cx))
    }
}

impl<F> fmt::Debug for RedirectsFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectsFuture")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
