//! Redirects, each of which runs through the rest of the middlewares.

mod next;
mod secrets;

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use rum_trace_core::UrlTemplate;

use self::next::Change;
use self::secrets::DefaultSecrets;

/// As reqwest has it.
const MAX_REDIRECTS: usize = 10;

/// A [`Middleware`] that follows redirects as reqwest does by default, with the
/// difference that each request passes through the middlewares after this one, so
/// that [`RumTraceMiddleware`](crate::RumTraceMiddleware) makes it a span and
/// decides by its host what it carries.
///
/// The client itself must not follow any:
///
/// ```
/// use reqwest::redirect::Policy;
/// use reqwest_middleware::ClientBuilder;
/// use rum_trace_reqwest::{FollowRedirects, RumTraceMiddleware};
///
/// # fn main() -> reqwest::Result<()> {
/// let http = reqwest::Client::builder().redirect(Policy::none());
/// let redirects = FollowRedirects::for_client(&http).max(5);
/// let client = ClientBuilder::new(http.build()?)
///     .with(redirects)
///     .with(RumTraceMiddleware::default())
///     .build();
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
///
/// By RFC 9110 (§15.4) and the Fetch standard:
///
/// - 301 and 302 make a POST a GET, 303 makes everything but a HEAD a GET, without
///   the body and the headers that describe it. 307 and 308 send the same again; if
///   the body is a stream, which cannot be sent twice, they are the answer.
/// - To another origin (scheme, host or port) go no `Authorization`, `Cookie`,
///   `Proxy-Authorization` and `WWW-Authenticate`, no `Host`, and no trace headers
///   but those that the middlewares inside write for it. They do not come back at
///   a later hop.
/// - A `Location` that is missing or cannot be read is no redirect.
///
/// Middlewares that add secrets belong before this one: inside of it they would add
/// them for every host that a redirect leads to.
///
/// A request's own time-out is for all hops together, the client's for each of them.
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until a client has it"]
pub struct FollowRedirects {
    max: usize,
    referer: bool,
    defaults: DefaultSecrets,
}

impl FollowRedirects {
    /// For the client that this builder will build.
    ///
    /// reqwest puts the client's default headers on each request, also on one that
    /// follows a redirect. Where `Authorization` or another of those named above is
    /// among them, it is sent empty to other origins.
    pub fn for_client(client: &reqwest::ClientBuilder) -> Self {
        FollowRedirects {
            max: MAX_REDIRECTS,
            referer: true,
            defaults: DefaultSecrets::of(client),
        }
    }

    /// How many redirects are followed; the one after that is an error. 10, if
    /// nobody says otherwise.
    pub fn max(mut self, redirects: usize) -> Self {
        self.max = redirects;
        self
    }

    /// Whether `Referer` tells where a redirect came from: by default yes, without
    /// credentials and fragment, and not from https to http.
    pub fn referer(mut self, yes: bool) -> Self {
        self.referer = yes;
        self
    }

    async fn follow(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let deadline = Deadline::of(&request);
        let mut left = self.max;
        loop {
            let again = Again::of(&mut request);
            let response = next.clone().run(request, extensions).await?;
            let Some(change) = Change::asked_for(&response, &again) else {
                return Ok(response);
            };
            let too_many = || error(RedirectError::TooMany { max: self.max });
            left = left.checked_sub(1).ok_or_else(too_many)?;
            // Its span ends here, before the next one starts.
            drop(response);
            request = change.apply(again.request, self).map_err(error)?;
            deadline.keep(&mut request);
            // It was the first URL's.
            extensions.remove::<UrlTemplate>();
        }
    }
}

#[async_trait]
impl Middleware for FollowRedirects {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let template = extensions.get::<UrlTemplate>().copied();
        let outcome = self.follow(request, extensions, next).await;
        // A retry further out starts with the first URL.
        if let Some(template) = template {
            extensions.insert(template);
        }
        outcome
    }
}

/// What is needed to send the request once more.
struct Again {
    request: Request,
    /// The body was a stream, which is gone.
    is_body_lost: bool,
}

impl Again {
    fn of(request: &mut Request) -> Self {
        if let Some(request) = request.try_clone() {
            return Again {
                request,
                is_body_lost: false,
            };
        }
        let body = request.body_mut().take();
        let head = request.try_clone();
        *request.body_mut() = body;
        Again {
            // Without a body it can be cloned.
            request: head.unwrap_or_else(|| bare(request)),
            is_body_lost: true,
        }
    }
}

fn bare(request: &Request) -> Request {
    Request::new(request.method().clone(), request.url().clone())
}

/// A request's own time-out, which began with its first hop.
struct Deadline {
    started: Instant,
    after: Option<Duration>,
}

impl Deadline {
    fn of(request: &Request) -> Self {
        Deadline {
            started: Instant::now(),
            after: request.timeout().copied(),
        }
    }

    fn keep(&self, request: &mut Request) {
        if let Some(after) = self.after {
            *request.timeout_mut() = Some(after.saturating_sub(self.started.elapsed()));
        }
    }
}

/// Why a redirect was not followed.
///
/// It is the cause in [`reqwest_middleware::Error::Middleware`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// There were more of them than may be followed: perhaps a loop.
    TooMany {
        /// How many may be followed.
        max: usize,
    },
    /// It leads to something else than `http` and `https`.
    Scheme,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedirectError::TooMany { max } => write!(f, "more than {max} redirects"),
            RedirectError::Scheme => f.write_str("a redirect to neither http nor https"),
        }
    }
}

impl Error for RedirectError {}

fn error(error: RedirectError) -> reqwest_middleware::Error {
    reqwest_middleware::Error::middleware(error)
}
