use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use http_body::Body;
use rum_trace_core::{ActiveCall, Instrumenter};
use tower_service::Service;

use super::request::{Outgoing, authority, of_uri};
use super::{BoxError, ResponseBody, ResponseFuture};
use crate::future::Bodiless;

/// The [`Service`] that [`RumTraceClientLayer`](super::RumTraceClientLayer) makes.
#[derive(Clone, Debug)]
pub struct RumTraceClient<S> {
    inner: S,
    instrumenter: Instrumenter,
    origin: Option<Arc<Uri>>,
}

impl<S> RumTraceClient<S> {
    pub(super) fn new(inner: S, instrumenter: Instrumenter, origin: Option<Arc<Uri>>) -> Self {
        RumTraceClient {
            inner,
            instrumenter,
            origin,
        }
    }

    /// Starts the span, and writes the trace into the request.
    fn start<B: Body>(&self, request: &mut Request<B>) -> ActiveCall {
        let origin = self.origin.as_deref();
        let parent = request.extensions().get::<opentelemetry::Context>();
        let parent = parent.map_or_else(opentelemetry::Context::current, Clone::clone);
        let outgoing = Outgoing::new(request, origin);
        let call = self.instrumenter.start_call(&outgoing, &parent);
        // Counted clones: the headers are about to be written.
        let (uri, host) = (request.uri().clone(), host(request));
        let authority = authority(&uri, host.as_ref(), origin).unwrap_or_default();
        let mut injection = call.injection(authority);
        if let Some(origin) = origin.and_then(of_uri) {
            // A redirect may name another host, on the connection to this one.
            injection = injection.limited_by(call.injection(origin));
        }
        crate::inject(call.context(), injection, request.headers_mut());
        call
    }
}

fn host<B>(request: &Request<B>) -> Option<http::HeaderValue> {
    request.headers().get(http::header::HOST).cloned()
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RumTraceClient<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: Into<BoxError>,
    ReqBody: Body,
    ResBody: Body,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<ResBody>>;
    /// The inner service's own, which can be had back by `downcast`: only so can it
    /// be said what went wrong, whichever type it has.
    type Error = BoxError;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let call = self.start(&mut request);
        let bodiless = Bodiless::of(request.method());
        let future = {
            // Services do work in `call` too.
            let _scope = call.scope();
            self.inner.call(request)
        };
        ResponseFuture::new(future, call, bodiless)
    }
}
