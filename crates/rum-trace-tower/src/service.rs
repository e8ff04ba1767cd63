use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
#[cfg(feature = "axum")]
use rum_trace_core::ActiveRequest;
use rum_trace_core::sharded::Sharded;
use tower_service::Service;

use crate::future::Bodiless;
use crate::request::{Adapter, HttpRequest, SharedAdapter};
use crate::{ResponseBody, ResponseFuture};

/// The [`Service`] that [`RumTraceLayer`](crate::RumTraceLayer) makes.
#[derive(Clone, Debug)]
pub struct RumTrace<S> {
    inner: S,
    adapter: SharedAdapter,
}

impl<S> RumTrace<S> {
    pub(crate) fn new(inner: S, adapter: Arc<Sharded<Adapter>>) -> Self {
        let adapter = SharedAdapter::OfAll(adapter);
        RumTrace { inner, adapter }
    }

    #[cfg(test)]
    pub(crate) fn adapter(&self) -> &SharedAdapter {
        &self.adapter
    }

    /// A gRPC call has its method, and needs no route.
    #[cfg(feature = "axum")]
    #[cold]
    #[inline(never)]
    fn look_for_route<B>(&self, request: &Request<B>, active: &ActiveRequest) {
        let has_route = || crate::axum::matched_path(request.extensions()).is_some();
        if !active.is_grpc() && !has_route() {
            self.adapter.outside.say();
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RumTrace<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ReqBody: Body,
    ResBody: Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let adapter = &*self.adapter;
        let active = adapter
            .instrumenter
            .start(&HttpRequest::new(&request, adapter));
        #[cfg(feature = "axum")]
        if adapter.around_router {
            self.look_for_route(&request, &active);
        }
        if adapter.in_extensions && !active.rum().is_empty() {
            request.extensions_mut().insert(active.rum().clone());
        }
        let bodiless = Bodiless::of(request.method());
        let future = {
            let _scope = works_in_call(&self.inner).then(|| active.scope());
            self.inner.call(request)
        };
        ResponseFuture::new(future, active, bodiless)
    }
}

/// Services do work in `call` too. To make a context current is not free.
#[cfg(feature = "axum")]
fn works_in_call<S>(_: &S) -> bool {
    !crate::axum::is_route::<S>()
}

#[cfg(not(feature = "axum"))]
fn works_in_call<S>(_: &S) -> bool {
    true
}
