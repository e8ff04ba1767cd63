use std::future::{Ready, ready};

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use rum_trace_core::{BuildError, Instrumenter, InstrumenterBuilder};

use crate::{ResponseBody, RumTraceMiddleware};

/// The middleware ([`Transform`]) that continues the trace of each request as
/// a SERVER span.
///
/// Its default continues what the RUM SDKs send, on OpenTelemetry's global
/// tracer provider:
///
/// ```
/// use actix_web::App;
/// use rum_trace_actix::RumTrace;
///
/// let app = App::new().wrap(RumTrace::default());
/// # let _ = app;
/// ```
///
/// With settings of one's own it is made from an [`Instrumenter`], which can
/// be shared by all workers, and by any number of frameworks. Build it outside
/// of the closure that makes the `App`, since that runs once for each worker:
///
/// ```
/// use actix_web::{App, HttpServer};
/// use rum_trace_actix::RumTrace;
/// use rum_trace_core::Instrumenter;
///
/// let instrumenter = Instrumenter::builder()
///     .filter(|request| request.path() != "/healthz")
///     .build()?;
/// let trace = RumTrace::new(instrumenter);
/// let server = HttpServer::new(move || App::new().wrap(trace.clone()));
/// # let _ = server;
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
///
/// It belongs outermost: `App::wrap` runs the middleware that was added last
/// first. On a [`Scope`](actix_web::Scope) or a [`Resource`](actix_web::Resource)
/// it traces the requests to that scope or resource only. Wrap each request
/// once: two of these around it make two SERVER spans of it, and the log says so.
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until it wraps an app, a scope or a resource"]
pub struct RumTrace {
    instrumenter: Instrumenter,
}

impl RumTrace {
    /// A middleware on this instrumenter.
    pub fn new(instrumenter: Instrumenter) -> Self {
        RumTrace { instrumenter }
    }

    /// A middleware from a builder, for short set-ups.
    ///
    /// ```
    /// use rum_trace_actix::RumTrace;
    /// use rum_trace_core::Instrumenter;
    ///
    /// let trace = RumTrace::from_builder(Instrumenter::builder().scheme("https"))?;
    /// # let _ = trace;
    /// # Ok::<(), rum_trace_core::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What [`InstrumenterBuilder::build`] finds wrong.
    pub fn from_builder(builder: InstrumenterBuilder) -> Result<Self, BuildError> {
        builder.build().map(RumTrace::new)
    }
}

/// On the global tracer provider, with the default settings.
impl Default for RumTrace {
    fn default() -> Self {
        RumTrace::new(Instrumenter::default())
    }
}

impl<S, B> Transform<S, ServiceRequest> for RumTrace
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<ResponseBody<B>>;
    type Error = Error;
    type Transform = RumTraceMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(RumTraceMiddleware::new(
            service,
            self.instrumenter.clone(),
        )))
    }
}
