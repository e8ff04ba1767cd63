//! The outgoing side, for `http` headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::Injector;
use rum_trace_core::{Injection, VERIFICATION_REQUEST_HEADER};

/// Writes the trace that is active in `cx` into an outgoing request's headers.
///
/// Those of [`Injection::HEADERS`] that are there already go: a proxy that hands its
/// request's headers on would hand on the RUM members too. So does a verification token.
///
/// ```
/// use opentelemetry::Context;
/// use rum_trace_core::Injection;
///
/// let mut request = http::Request::get("http://stock.internal/items/42").body(())?;
/// rum_trace_tower::inject(
///     &Context::current(),
///     Injection::to_own_service(),
///     request.headers_mut(),
/// );
/// # Ok::<(), http::Error>(())
/// ```
pub fn inject(cx: &Context, injection: Injection<'_>, headers: &mut HeaderMap) {
    for name in Injection::HEADERS {
        headers.remove(name);
    }
    headers.remove(VERIFICATION_REQUEST_HEADER);
    injection.inject(cx, &mut Headers(headers));
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    /// Names and values come from core, which writes only what a header may hold.
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
