//! What goes along with a request.

use std::mem;

use opentelemetry::propagation::Injector;
use reqwest::Request;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rum_trace_core::{ActiveCall, Injection};

/// Those that go. Looked up as text each would be parsed anew.
static NAMES: [HeaderName; Injection::NOT_HANDED_ON.len()] = [
    HeaderName::from_static(Injection::NOT_HANDED_ON[0]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[1]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[2]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[3]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[4]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[5]),
];

/// Writes what the called host is to have; what is there already goes, since a
/// request that is handed on may hold the headers of the one that came in.
pub(crate) fn inject(call: &ActiveCall, request: &mut Request) {
    // Taken out for as long as the URL is looked at.
    let mut headers = mem::take(request.headers_mut());
    remove(&mut headers);
    call.injection(request.url().authority())
        .inject(call.context(), &mut Headers(&mut headers));
    *request.headers_mut() = headers;
}

/// Takes out all that names a trace, and a verification token.
pub(crate) fn remove(headers: &mut HeaderMap) {
    for name in &NAMES {
        headers.remove(name);
    }
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
