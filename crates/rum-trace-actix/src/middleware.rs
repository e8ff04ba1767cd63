use std::cell::OnceCell;
use std::rc::Rc;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ResourceMap, Service, ServiceRequest, ServiceResponse, forward_ready};
use rum_trace_core::{ActiveRequest, Instrumenter};

use crate::awaited::{Awaited, Lookup};
use crate::bodiless::Bodiless;
use crate::request::ActixRequest;
use crate::{ResponseBody, ResponseFuture};

/// The [`Service`] that [`RumTrace`](crate::RumTrace) makes.
#[derive(Clone, Debug)]
pub struct RumTraceMiddleware<S> {
    inner: S,
    instrumenter: Instrumenter,
    // The app's own, known with the first request; see `Awaited`.
    routes: OnceCell<Rc<ResourceMap>>,
}

impl<S> RumTraceMiddleware<S> {
    pub(crate) fn new(inner: S, instrumenter: Instrumenter) -> Self {
        RumTraceMiddleware {
            inner,
            instrumenter,
            routes: OnceCell::new(),
        }
    }

    fn routes(&self, request: &ServiceRequest) -> Rc<ResourceMap> {
        let routes = || Rc::new(request.resource_map().clone());
        self.routes.get_or_init(routes).clone()
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
        let bodiless = Bodiless::of(request.method());
        let awaited = Awaited::new(active, || Lookup {
            routes: self.routes(&request),
            uri: request.uri().clone(),
        });
        let future = {
            // Services do work in `call` too; actix-web's router runs there.
            let _scope = awaited.active().map(ActiveRequest::scope);
            self.inner.call(request)
        };
        ResponseFuture::new(future, awaited, bodiless)
    }
}
