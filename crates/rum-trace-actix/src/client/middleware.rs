use std::fmt;

use actix_web::dev::{Service, forward_ready};
use awc::error::SendRequestError;
use awc::{ConnectRequest, ConnectResponse};
use rum_trace_core::Instrumenter;

use super::future::{Awaiting, CallFuture};
use super::headers;
use super::origin::Origins;
use super::request::AwcRequest;

/// The [`Service`] that [`RumTraceClient`](crate::RumTraceClient) makes.
pub struct RumTraceClientMiddleware<S> {
    inner: S,
    instrumenter: Instrumenter,
    origins: Origins,
}

impl<S> RumTraceClientMiddleware<S> {
    pub(super) fn new(inner: S, instrumenter: Instrumenter, origins: Origins) -> Self {
        RumTraceClientMiddleware {
            inner,
            instrumenter,
            origins,
        }
    }

    fn start(&self, request: &ConnectRequest) -> Awaiting {
        let origin = self.origins.of_next();
        let request = AwcRequest::of(request, origin.sent);
        let call = self.instrumenter.start_call(&request, &origin.parent);
        Awaiting::new(call, &request, origin.deadline)
    }
}

impl<S> Service<ConnectRequest> for RumTraceClientMiddleware<S>
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
{
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = CallFuture<S::Future>;

    forward_ready!(inner);

    fn call(&self, mut request: ConnectRequest) -> Self::Future {
        let awaiting = self.start(&request);
        headers::inject(awaiting.call(), &mut request);
        let future = {
            let _scope = awaiting.call().scope();
            self.inner.call(request)
        };
        CallFuture::new(future, awaiting)
    }
}

impl<S> fmt::Debug for RumTraceClientMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RumTraceClientMiddleware")
            .field("instrumenter", &self.instrumenter)
            .finish_non_exhaustive()
    }
}
