//! The middleware that makes each request a CLIENT span.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::Extensions;
use opentelemetry::Context;
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Middleware, Next, Result};
use rum_trace_core::{ActiveCall, BuildError, Instrumenter, InstrumenterBuilder, UrlTemplate};

use crate::request::HttpRequest;
use crate::response::{Bodiless, answered};
use crate::scoped::Scoped;
use crate::{failure, headers};

/// A [`Middleware`] that makes each request it sees a CLIENT span, and hands the
/// trace on to the called host as
/// [`Instrumenter::injection`](rum_trace_core::Instrumenter::injection) says.
///
/// The span is the child of the one that is active, or of the one in a
/// [`Context`] among the request's extensions, for code that runs in no request's
/// context. It ends with the response's body.
///
/// It belongs innermost, so that each retry and each redirect is a span, and on a
/// client that does not follow redirects itself: reqwest would hand the trace's
/// headers to whoever it is led to. [`client`](crate::client) and
/// [`RumTraceClientBuilder`](crate::RumTraceClientBuilder) see to both; by hand:
///
/// ```
/// use reqwest::redirect::Policy;
/// use reqwest_middleware::ClientBuilder;
/// use rum_trace_reqwest::{FollowRedirects, RumTraceMiddleware};
///
/// # fn main() -> reqwest::Result<()> {
/// let http = reqwest::Client::builder().redirect(Policy::none());
/// let redirects = FollowRedirects::for_client(&http);
/// let client = ClientBuilder::new(http.build()?)
///     .with(redirects)
///     // here a middleware that retries each hop by itself
///     .with(RumTraceMiddleware::default())
///     .build();
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
///
/// The extensions hold what is told of a request ([`UrlTemplate`], `Context`) and
/// how often it was sent; so each request wants extensions of its own, as
/// reqwest-middleware's request builder gives them.
#[derive(Clone, Debug)]
pub struct RumTraceMiddleware {
    instrumenter: Instrumenter,
}

impl RumTraceMiddleware {
    /// A middleware on this instrumenter, which servers and clients share.
    #[must_use]
    pub fn new(instrumenter: Instrumenter) -> Self {
        RumTraceMiddleware { instrumenter }
    }

    /// A middleware from a builder, for short set-ups.
    ///
    /// # Errors
    ///
    /// What [`InstrumenterBuilder::build`] finds wrong.
    pub fn from_builder(builder: InstrumenterBuilder) -> std::result::Result<Self, BuildError> {
        builder.build().map(RumTraceMiddleware::new)
    }

    fn start(&self, request: &Request, extensions: &mut Extensions) -> ActiveCall {
        let info = HttpRequest {
            request,
            template: extensions.get::<UrlTemplate>().copied(),
            resends: Sent::count(extensions),
        };
        match extensions.get::<Context>() {
            Some(parent) => self.instrumenter.start_call(&info, parent),
            None => self.instrumenter.start_call(&info, &Context::current()),
        }
    }
}

/// On the global tracer provider, with the default settings.
impl Default for RumTraceMiddleware {
    fn default() -> Self {
        RumTraceMiddleware::new(Instrumenter::default())
    }
}

#[async_trait]
impl Middleware for RumTraceMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let call = self.start(&request, extensions);
        headers::inject(&call, &mut request);
        let bodiless = Bodiless::of(request.method());
        let asked = UrlMark::of(request.url());
        match Scoped::new(&call, next.run(request, extensions)).await {
            Ok(response) => {
                warn_if_led_elsewhere(&asked, &response);
                Ok(answered(response, call, bodiless))
            }
            Err(error) => {
                call.fail(failure::of(&error));
                Err(error)
            }
        }
    }
}

/// How often the request was sent before: retries and redirects share its
/// extensions.
#[derive(Clone, Copy)]
struct Sent(u32);

impl Sent {
    fn count(extensions: &mut Extensions) -> u32 {
        let Sent(before) = extensions.get().copied().unwrap_or(Sent(0));
        extensions.insert(Sent(before.saturating_add(1)));
        before
    }
}

/// Enough of a URL to tell it from another one; no copy for each request.
#[derive(PartialEq, Eq)]
struct UrlMark(u64);

impl UrlMark {
    /// The fragment is not sent, and not told again.
    fn of(url: &Url) -> Self {
        let mut hasher = DefaultHasher::new();
        let sent = url.as_str().split('#').next();
        sent.hash(&mut hasher);
        UrlMark(hasher.finish())
    }
}

fn warn_if_led_elsewhere(asked: &UrlMark, response: &Response) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if WARNED.load(Ordering::Relaxed) || UrlMark::of(response.url()) == *asked {
        return;
    }
    // Said once: the set-up is wrong, and not this request.
    if !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "a redirect was followed inside of RumTraceMiddleware, by reqwest itself if not by \
             another middleware: the trace's headers went to wherever it led, and it has no span. Make the client with rum_trace_reqwest::client or \
             RumTraceClientBuilder, or with redirect(Policy::none()) and FollowRedirects"
        );
    }
}
