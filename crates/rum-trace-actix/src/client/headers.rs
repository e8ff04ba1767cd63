//! The trace, written into the headers of a request to another service.

use std::rc::Rc;

use actix_http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_http::uri::Authority;
use actix_http::{RequestHead, RequestHeadType};
use awc::ConnectRequest;
use opentelemetry::propagation::Injector;
use rum_trace_core::{ActiveCall, Injection};

/// Those that go. Looked up as text each would be allocated anew.
static NAMES: [HeaderName; Injection::NOT_HANDED_ON.len()] = [
    HeaderName::from_static(Injection::NOT_HANDED_ON[0]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[1]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[2]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[3]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[4]),
    HeaderName::from_static(Injection::NOT_HANDED_ON[5]),
];

/// Writes what the host that is called is to know. What is there already goes: a
/// handler that copies its request's headers would hand on the RUM members too, and a
/// verification token.
pub(super) fn inject(call: &ActiveCall, request: &mut ConnectRequest) {
    let authority = head(request).uri.authority().cloned();
    let authority = authority.as_ref().map_or("", Authority::as_str);
    remove(request);
    let injection = call.injection(authority);
    if injection.is_wanted() {
        injection.inject(call.context(), &mut Headers(written_to(request)));
    }
}

fn head(request: &ConnectRequest) -> &RequestHead {
    match request {
        ConnectRequest::Client(head, ..) => head.as_ref(),
        ConnectRequest::Tunnel(head, _) => head,
    }
}

fn remove(request: &mut ConnectRequest) {
    match request {
        ConnectRequest::Client(RequestHeadType::Owned(head), ..)
        | ConnectRequest::Tunnel(head, _) => remove_from(&mut head.headers),
        ConnectRequest::Client(RequestHeadType::Rc(head, extra), ..) => {
            // A frozen request is shared, and only copied if it must be.
            if NAMES.iter().any(|name| head.headers.contains_key(name)) {
                remove_from(&mut Rc::make_mut(head).headers);
            }
            if let Some(extra) = extra {
                remove_from(extra);
            }
        }
    }
}

fn remove_from(headers: &mut HeaderMap) {
    for name in &NAMES {
        headers.remove(name);
    }
}

fn written_to(request: &mut ConnectRequest) -> &mut HeaderMap {
    match request {
        ConnectRequest::Client(RequestHeadType::Owned(head), ..)
        | ConnectRequest::Tunnel(head, _) => &mut head.headers,
        ConnectRequest::Client(RequestHeadType::Rc(_, extra), ..) => {
            extra.get_or_insert_with(HeaderMap::new)
        }
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    /// Names and values come from core, which writes only what a header may hold.
    fn set(&mut self, key: &str, value: String) {
        let name = NAMES.iter().find(|name| name.as_str() == key);
        if let (Some(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            self.0.insert(name.clone(), value);
        }
    }
}
