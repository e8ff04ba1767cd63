use std::time::Duration;

use actix_web::dev::Service;
use awc::error::SendRequestError;
use awc::middleware::{Redirect, Transform};
use awc::{ConnectRequest, ConnectResponse};
use rum_trace_core::{BuildError, Instrumenter, InstrumenterBuilder};

use super::origin::Origins;
use super::{RumTraceClientMiddleware, RumTraceRedirects};

/// The middleware of an [`awc::Client`] that makes each of its requests a CLIENT
/// span, and hands the trace on to the host that is called.
///
/// The span is the child of the one that is active where `send()` is called:
/// within a handler under [`RumTrace`](crate::RumTrace) that is the request's.
/// It ends with the response's body. Take the server's [`Instrumenter`] for both,
/// so that they have the same hosts and the same numbers:
///
/// ```
/// use actix_web::{App, HttpServer, error, web};
/// use awc::Client;
/// use rum_trace_actix::{RumTrace, RumTraceClient};
/// use rum_trace_core::Instrumenter;
///
/// async fn checkout(client: web::Data<Client>) -> actix_web::Result<String> {
///     let sent = client.get("http://stock.internal:8080/items/42").send();
///     let mut response = sent.await.map_err(error::ErrorBadGateway)?;
///     let body = response.body().await.map_err(error::ErrorBadGateway)?;
///     Ok(format!("{} bytes", body.len()))
/// }
///
/// let instrumenter = Instrumenter::builder().own_host("*.shop.example").build()?;
/// let server = HttpServer::new(move || {
///     // One for each worker: awc's clients stay on their thread.
///     let client = Client::builder()
///         .wrap(RumTraceClient::new(instrumenter.clone()))
///         .finish();
///     App::new()
///         .app_data(web::Data::new(client))
///         .route("/checkout", web::get().to(checkout))
///         .wrap(RumTrace::new(instrumenter.clone()))
/// });
/// # let _ = server;
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
///
/// # Redirects and retries
///
/// Each request that goes out has a span of its own and is judged by its own host:
/// after a redirect to a stranger nothing of the trace goes there. For that this
/// has to be nearer to the network than what sends again. awc's own redirects are
/// always outside of it. `ClientBuilder::wrap` puts each middleware *around* those
/// before it, so `wrap` this first, before a
/// [`Redirect`](awc::middleware::Redirect) or a retry that you wrap yourself: they
/// would send again what this has written.
///
/// What is sent again in place of the caller is told apart with
/// [`redirects`](Self::redirects).
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until it wraps a client"]
pub struct RumTraceClient {
    instrumenter: Instrumenter,
    timeout: Option<Duration>,
}

impl RumTraceClient {
    /// A middleware on this instrumenter.
    pub fn new(instrumenter: Instrumenter) -> Self {
        RumTraceClient {
            instrumenter,
            timeout: None,
        }
    }

    /// A middleware from a builder, for short set-ups.
    ///
    /// ```
    /// use rum_trace_actix::RumTraceClient;
    /// use rum_trace_core::Instrumenter;
    ///
    /// let trace = RumTraceClient::from_builder(Instrumenter::builder().own_host("*.shop.example"))?;
    /// let client = awc::Client::builder().wrap(trace).finish();
    /// # let _ = client;
    /// # Ok::<(), rum_trace_core::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What [`InstrumenterBuilder::build`] finds wrong.
    pub fn from_builder(builder: InstrumenterBuilder) -> Result<Self, BuildError> {
        builder.build().map(RumTraceClient::new)
    }

    /// Tells how long the client waits for a response: what its
    /// `ClientBuilder::timeout` says, or 5 seconds if that says nothing.
    ///
    /// awc keeps this time outside of every middleware, and gives a late request up
    /// like any caller that wants it no longer: with `error.type` `cancelled`. Once
    /// it is told here, what is given up after this time has `timeout`. It limits
    /// nothing by itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rum_trace_actix::RumTraceClient;
    ///
    /// const PATIENCE: Duration = Duration::from_secs(2);
    /// let client = awc::Client::builder()
    ///     .timeout(PATIENCE)
    ///     .wrap(RumTraceClient::default().timeout(PATIENCE))
    ///     .finish();
    /// # let _ = client;
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Follows redirects itself, in place of awc: the spans of all but the first
    /// request say `http.request.resend_count`.
    ///
    /// They also have the first one's parent wherever the request is awaited, and
    /// [`timeout`](Self::timeout) counts from the first one. awc's own redirects
    /// have to be off, or they come on top:
    ///
    /// ```
    /// use awc::middleware::Redirect;
    /// use rum_trace_actix::RumTraceClient;
    ///
    /// let client = awc::Client::builder()
    ///     .disable_redirects()
    ///     .wrap(RumTraceClient::default().redirects(Redirect::new()))
    ///     .finish();
    /// # let _ = client;
    /// ```
    pub fn redirects(self, redirect: Redirect) -> RumTraceRedirects {
        RumTraceRedirects::new(self, redirect)
    }

    pub(super) fn limit(&self) -> Option<Duration> {
        self.timeout
    }

    pub(super) fn middleware<S>(self, inner: S, origins: Origins) -> RumTraceClientMiddleware<S> {
        RumTraceClientMiddleware::new(inner, self.instrumenter, origins)
    }
}

/// On the global tracer provider, with the default settings.
impl Default for RumTraceClient {
    fn default() -> Self {
        RumTraceClient::new(Instrumenter::default())
    }
}

impl<S> Transform<S, ConnectRequest> for RumTraceClient
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
{
    type Transform = RumTraceClientMiddleware<S>;

    fn new_transform(self, service: S) -> Self::Transform {
        let origins = Origins::new(self.limit());
        self.middleware(service, origins)
    }
}
