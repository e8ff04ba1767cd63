//! The outgoing side, for `http` headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::Injector;
use rum_trace_core::Injection;

/// Those that go. Looked up as text each would be parsed anew.
static NAMES: [HeaderName; Injection::NOT_HANDED_ON.len()] = [
    HeaderName::from_static(Injection::NOT_HANDED_ON[0]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[1]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[2]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[3]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[4]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[5]),
];

/// Writes the trace that is active in `cx` into an outgoing request's headers.
///
/// What is there already of [`Injection::NOT_HANDED_ON`] goes: a proxy that hands its
/// request's headers on would hand on the RUM members too.
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
    for name in &NAMES {
        headers.remove(name);
    }
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
