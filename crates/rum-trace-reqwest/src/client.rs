//! A client that is put together right.

use std::fmt;
use std::sync::Arc;

use reqwest::redirect::Policy;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, RequestInitialiser};
use rum_trace_core::Instrumenter;

use crate::{FollowRedirects, RumTraceMiddleware};

/// A client whose requests are CLIENT spans and hand the trace on: each redirect is
/// a request of its own, and carries what its host is to have.
///
/// Whatever the builder says of redirects is replaced; all else of it holds.
///
/// ```
/// use rum_trace_core::Instrumenter;
///
/// let instrumenter = Instrumenter::builder().own_host("*.shop.example").build()?;
/// let client = rum_trace_reqwest::client(reqwest::Client::builder(), instrumenter)?;
/// # let _ = client;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With other middlewares it is made by [`RumTraceClientBuilder`].
///
/// # Errors
///
/// What [`reqwest::ClientBuilder::build`] finds wrong.
pub fn client(
    http: reqwest::ClientBuilder,
    instrumenter: Instrumenter,
) -> reqwest::Result<ClientWithMiddleware> {
    RumTraceClientBuilder::new(http, instrumenter).build()
}

/// Builds a client with further middlewares around those of this crate.
///
/// ```
/// use reqwest_retry::RetryTransientMiddleware;
/// use reqwest_retry::policies::ExponentialBackoff;
/// use rum_trace_core::Instrumenter;
/// use rum_trace_reqwest::RumTraceClientBuilder;
///
/// let instrumenter = Instrumenter::builder().build()?;
/// let retries = ExponentialBackoff::builder().build_with_max_retries(3);
/// let client = RumTraceClientBuilder::new(reqwest::Client::builder(), instrumenter)
///     .with(RetryTransientMiddleware::new_with_policy(retries)) // each attempt is a span
///     .build()?;
/// # let _ = client;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// They see a request once, whatever its redirects, as they do on a client of
/// reqwest-middleware's own. For others put the parts together by hand, as
/// [`RumTraceMiddleware`] shows. What is added to the finished client, by
/// [`ClientBuilder::from_client`], is inside of the spans: a retry there is hidden
/// in one.
#[must_use = "a builder does nothing until it builds"]
pub struct RumTraceClientBuilder {
    http: reqwest::ClientBuilder,
    around: Vec<Arc<dyn Middleware>>,
    initialisers: Vec<Arc<dyn RequestInitialiser>>,
    redirects: Option<FollowRedirects>,
    trace: RumTraceMiddleware,
}

impl RumTraceClientBuilder {
    /// A client by this builder of reqwest's, on this instrumenter.
    ///
    /// What is said of redirects in `http` is replaced.
    pub fn new(http: reqwest::ClientBuilder, instrumenter: Instrumenter) -> Self {
        RumTraceClientBuilder {
            redirects: Some(FollowRedirects::for_client(&http)),
            http,
            around: Vec::new(),
            initialisers: Vec::new(),
            trace: RumTraceMiddleware::new(instrumenter),
        }
    }

    /// A middleware around redirects and spans, the first one outermost.
    pub fn with(self, middleware: impl Middleware) -> Self {
        self.with_arc(Arc::new(middleware))
    }

    /// As [`with`](Self::with), for one that is shared.
    pub fn with_arc(mut self, middleware: Arc<dyn Middleware>) -> Self {
        self.around.push(middleware);
        self
    }

    /// What is run when a request begins to be built.
    pub fn with_init(mut self, initialiser: impl RequestInitialiser) -> Self {
        self.initialisers.push(Arc::new(initialiser));
        self
    }

    /// How many redirects are followed, in place of 10; see
    /// [`FollowRedirects::max`].
    pub fn max_redirects(mut self, redirects: usize) -> Self {
        self.redirects = self.redirects.map(|follow| follow.max(redirects));
        self
    }

    /// Whether redirects tell where they came from; see
    /// [`FollowRedirects::referer`].
    pub fn referer(mut self, yes: bool) -> Self {
        self.redirects = self.redirects.map(|follow| follow.referer(yes));
        self
    }

    /// Redirects are answers like any other.
    pub fn without_redirects(mut self) -> Self {
        self.redirects = None;
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// What [`reqwest::ClientBuilder::build`] finds wrong.
    pub fn build(self) -> reqwest::Result<ClientWithMiddleware> {
        let http = self.http.redirect(Policy::none()).build()?;
        let mut client = ClientBuilder::new(http);
        for initialiser in self.initialisers {
            client = client.with_arc_init(initialiser);
        }
        for middleware in self.around {
            client = client.with_arc(middleware);
        }
        if let Some(redirects) = self.redirects {
            client = client.with(redirects);
        }
        Ok(client.with(self.trace).build())
    }
}

/// Without reqwest's builder, whose print holds the default headers.
impl fmt::Debug for RumTraceClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RumTraceClientBuilder")
            .field("around", &self.around.len())
            .field("redirects", &self.redirects)
            .finish_non_exhaustive()
    }
}
