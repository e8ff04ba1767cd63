//! An actix-web request and response as core wants to see them.

use std::borrow::Cow;
use std::net::SocketAddr;

use actix_web::HttpResponse;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::http::{Version, uri};
use rum_trace_core::{RequestInfo, ResponseInfo};

use crate::route;

/// Read from the request's head only. `connection_info()` would believe an
/// `X-Forwarded-For` and a `Forwarded` from anybody.
pub(crate) struct ActixRequest<'a>(pub(crate) &'a ServiceRequest);

impl ActixRequest<'_> {
    /// RFC 9112, §6.3: an HTTP/1 request without both of these has no body.
    /// actix-web reads the connection on if it may be upgraded.
    fn declares_no_body(&self) -> bool {
        let headers = self.0.headers();
        self.0.version() <= Version::HTTP_11
            && !headers.contains_key(CONTENT_LENGTH)
            && !headers.contains_key(TRANSFER_ENCODING)
    }
}

impl RequestInfo for ActixRequest<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn path(&self) -> &str {
        self.0.uri().path()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit_headers(self.0.headers(), visit);
    }

    fn query(&self) -> Option<&str> {
        self.0.uri().query()
    }

    fn scheme(&self) -> Option<&str> {
        self.0.uri().scheme_str()
    }

    fn authority(&self) -> Option<&str> {
        self.0.uri().authority().map(uri::Authority::as_str)
    }

    fn protocol_version(&self) -> Option<&'static str> {
        version_text(self.0.version())
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.0.peer_addr()
    }

    /// What the lookup finds in the app's routes, which runs their expressions. It
    /// asks no guard: see `route`.
    fn expected_route(&self) -> Option<Cow<'_, str>> {
        let route = self.0.resource_map().match_pattern(self.0.path())?;
        Some(Cow::Owned(route::or_root(route)))
    }

    fn body_size(&self) -> Option<u64> {
        let (_, payload) = self.0.parts();
        let bodiless = matches!(payload, Payload::None) || self.declares_no_body();
        bodiless.then_some(0)
    }
}

pub(crate) struct ActixResponse<'a, B>(pub(crate) &'a HttpResponse<B>);

impl<B> ResponseInfo for ActixResponse<'_, B> {
    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit_headers(self.0.headers(), visit);
    }

    fn header<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        let value = self.0.headers().get(name)?;
        Some(value.as_bytes())
    }
}

/// As the conventions write it.
pub(crate) fn version_text(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}

/// A name with several lines is visited once for each, in their order.
pub(crate) fn visit_headers<'a>(headers: &'a HeaderMap, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
    for (name, value) in headers {
        visit(name.as_str(), value.as_bytes());
    }
}
