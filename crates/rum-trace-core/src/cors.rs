//! What a page's preflight asks for.

/// The request headers that a service called across origins must allow: all
/// that the RUM SDKs can send.
///
/// A browser asks for them in its preflight, and drops the whole request if
/// one of them is not allowed.
///
/// With tower-http: `CorsLayer::new().allow_headers(CORS_REQUEST_HEADERS
/// .map(HeaderName::from_static))`; with actix-cors:
/// `Cors::default().allowed_headers(CORS_REQUEST_HEADERS)`. Name the headers
/// of your own beside them.
pub const CORS_REQUEST_HEADERS: [&str; 13] = [
    "traceparent",
    "tracestate",
    "baggage",
    "sw8",
    "sw8-correlation",
    "sw8-x",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "uber-trace-id",
];

/// The response headers that a page of another origin must be able to read, if
/// [`server_timing`](crate::InstrumenterBuilder::server_timing) is set.
///
/// They are exposed without further ado, unless a CORS layer further out has a
/// list of its own: that list takes the place of any other, and must name them.
pub const CORS_RESPONSE_HEADERS: [&str; 1] = ["server-timing"];
