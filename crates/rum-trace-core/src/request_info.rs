//! What an adapter tells of a request and of its response.

use std::borrow::Cow;
use std::net::SocketAddr;

/// A request as the [`Instrumenter`](crate::Instrumenter) needs to see it.
///
/// An adapter implements it for its framework's request type; the frameworks
/// do not share one (actix-web and tower use different major versions of the
/// `http` crate), which is why this is a trait. Only three methods are
/// required; each further one makes the span say more.
///
/// ```
/// use rum_trace_core::RequestInfo;
///
/// struct Request {
///     method: String,
///     target: String,
///     headers: Vec<(String, Vec<u8>)>,
/// }
///
/// impl RequestInfo for Request {
///     fn method(&self) -> &str {
///         &self.method
///     }
///     fn path(&self) -> &str {
///         self.target.split('?').next().unwrap_or("/")
///     }
///     fn query(&self) -> Option<&str> {
///         self.target.split_once('?').map(|(_, query)| query)
///     }
///     fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
///         for (name, value) in &self.headers {
///             visit(name, value);
///         }
///     }
/// }
/// ```
pub trait RequestInfo {
    /// The method as received, for example `GET`.
    fn method(&self) -> &str;

    /// The path of the request target, without the query: `/users/42`.
    fn path(&self) -> &str;

    /// Every header field line, in the order received. A name that came in
    /// several lines is visited once for each: gateways do split `tracestate`.
    /// Names may have any case.
    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8]));

    /// The query of the request target, without the `?`.
    fn query(&self) -> Option<&str> {
        None
    }

    /// `http` or `https`, if the request itself tells (HTTP/2's `:scheme`, an
    /// absolute target). Otherwise the builder's
    /// [`scheme`](crate::InstrumenterBuilder::scheme) holds.
    fn scheme(&self) -> Option<&str> {
        None
    }

    /// `host[:port]` of HTTP/2's `:authority` or of an absolute target. If
    /// there is none the `Host` header is read.
    fn authority(&self) -> Option<&str> {
        None
    }

    /// The HTTP version as the conventions write it: `1.0`, `1.1`, `2`, `3`.
    fn protocol_version(&self) -> Option<&'static str> {
        None
    }

    /// The matched route's template, if it is known before the handler runs:
    /// `/users/{id}`. Later it is told with
    /// [`ActiveRequest::set_route`](crate::ActiveRequest::set_route).
    ///
    /// Of a request that goes out: the template of its URL's path, or the path of
    /// a gRPC method that is known to exist.
    fn route(&self) -> Option<&str> {
        None
    }

    /// The route that the request will have as far as can be told now, for a sampler
    /// that decides by the route: where the router runs later, it is looked up. Only
    /// asked for then, and never recorded: the span gets the route that was taken.
    fn expected_route(&self) -> Option<Cow<'_, str>> {
        self.route().map(Cow::Borrowed)
    }

    /// The exact size of the request's body in bytes, if the framework knows
    /// it. If not, `Content-Length` is read.
    fn body_size(&self) -> Option<u64> {
        None
    }

    /// The address at the other end of the connection.
    fn peer(&self) -> Option<SocketAddr> {
        None
    }

    /// How many times a request that goes out was sent before, as a retry or for
    /// a redirect.
    fn resend_count(&self) -> u32 {
        0
    }
}

/// A response's head as the span needs to see it.
///
/// A plain status code is one, for a framework done by hand:
///
/// ```
/// use rum_trace_core::ResponseInfo;
/// assert_eq!(ResponseInfo::status(&404_u16), 404);
/// ```
pub trait ResponseInfo {
    /// The status code.
    fn status(&self) -> u16;

    /// Every header field line, in order. Only called when response headers
    /// are to be captured, and for gRPC.
    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        let _ = visit;
    }

    /// The first line of the header of this name, which is in lower case. The
    /// default asks [`for_each_header`](Self::for_each_header).
    fn header<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        let mut found = None;
        self.for_each_header(&mut |header, value| {
            if found.is_none() && header.eq_ignore_ascii_case(name) {
                found = Some(value);
            }
        });
        found
    }

    /// The HTTP version, as in [`RequestInfo::protocol_version`]. Only asked of
    /// responses to a call.
    fn protocol_version(&self) -> Option<&'static str> {
        None
    }

    /// The address that answered. Only asked of responses to a call.
    fn peer(&self) -> Option<SocketAddr> {
        None
    }
}

impl ResponseInfo for u16 {
    fn status(&self) -> u16 {
        *self
    }
}
