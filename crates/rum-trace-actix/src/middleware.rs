use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, forward_ready};
use actix_web::{Error, HttpMessage};
use rum_trace_core::Instrumenter;

use crate::future::Bodiless;
use crate::request::ActixRequest;
use crate::{ResponseBody, ResponseFuture};

/// The [`Service`] that [`RumTrace`](crate::RumTrace) makes.
#[derive(Clone, Debug)]
pub struct RumTraceMiddleware<S> {
    inner: S,
    instrumenter: Instrumenter,
}

impl<S> RumTraceMiddleware<S> {
    pub(crate) fn new(inner: S, instrumenter: Instrumenter) -> Self {
        RumTraceMiddleware {
            inner,
            instrumenter,
        }
    }
}

impl<S, B> Service<ServiceRequest> for RumTraceMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<ResponseBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    forward_ready!(inner);

    // The request goes on as it came, never as a clone: actix-web's router
    // takes it for its own and panics if anybody else holds it.
    fn call(&self, request: ServiceRequest) -> Self::Future {
        let active = self.instrumenter.start(&ActixRequest(&request));
        if !active.rum().is_empty() {
            request.extensions_mut().insert(active.rum().clone());
        }
        let bodiless = Bodiless::of(request.method());
        let future = {
            // Services do work in `call` too; actix-web's router runs there.
            let _scope = active.scope();
            self.inner.call(request)
        };
        ResponseFuture::new(future, active, bodiless)
    }
}
