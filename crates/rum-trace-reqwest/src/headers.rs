//! What goes along with a request.

use std::mem;

use opentelemetry::propagation::Injector;
use reqwest::Request;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rum_trace_core::{ActiveCall, Injection, VERIFICATION_REQUEST_HEADER};

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
    for name in Injection::HEADERS {
        headers.remove(name);
    }
    headers.remove(VERIFICATION_REQUEST_HEADER);
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
