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
