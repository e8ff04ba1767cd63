//! What axum knows beyond `http`: the matched route, the peer, extractors.
//!
//! ```
//! use axum::{Router, routing::get};
//! use rum_trace_tower::RumTraceLayer;
//! use rum_trace_tower::axum::Rum;
//!
//! async fn cart(rum: Option<Rum>) -> String {
//!     let session = rum.as_ref().and_then(|Rum(rum)| rum.session_id());
//!     format!("cart of session {}", session.unwrap_or("unknown"))
//! }
//!
//! let app: Router = Router::new()
//!     .route("/cart", get(cart))
//!     .layer(RumTraceLayer::default());
//! # let _ = app;
//! ```

use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, MatchedPath, OriginalUri};
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, StatusCode, Uri};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, SpanId, TraceId};
use rum_trace_core::RumContext;

pub(crate) fn matched_path(extensions: &Extensions) -> Option<&str> {
    extensions.get::<MatchedPath>().map(MatchedPath::as_str)
}

pub(crate) fn connect_info(extensions: &Extensions) -> Option<SocketAddr> {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| *peer)
}

pub(crate) fn original_uri(extensions: &Extensions) -> Option<&Uri> {
    extensions.get::<OriginalUri>().map(|OriginalUri(uri)| uri)
}

/// Whether a service is axum's router, or one that has it inside. `Router::layer`
/// wraps each of its routes, and not the router.
pub(crate) fn is_around_router<S>() -> bool {
    // Known when this is compiled: a router without `with_state` wraps its routes anew
    // for each request.
    !is_route::<S>() && std::any::type_name::<S>().contains("axum::routing::Router")
}

/// Whether a service is one of axum's routes, with whatever layers are inside of it. A
/// route's `call` clones it and keeps the request: all work begins with the first poll.
pub(crate) fn is_route<S>() -> bool {
    std::any::type_name::<S>().starts_with("axum::routing::route::Route")
}

/// Has the log tell, once, that routes cannot be known where the layer is.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutsideRouting(Arc<AtomicBool>);

impl OutsideRouting {
    #[cold]
    #[inline(never)]
    pub(crate) fn say(&self) {
        if self.0.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(
            target: "rum_trace",
            parent: None,
            kind = "outside_routing",
            hint = "put it on the router after the last route, `Router::layer(RumTraceLayer::...)`, \
                    and what must be outside of the router, as NormalizePath, around that",
            "RumTraceLayer wraps axum's router from outside, where no route is known: spans and \
             metrics have no http.route"
        );
    }
}

/// Extracts the [`RumContext`]: what the client told of app, session and user.
///
/// As `Rum` it is required: a request whose client told nothing is answered
/// with [`MissingRum`]. As `Option<Rum>` it is optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rum(pub RumContext);

impl Deref for Rum {
    type Target = RumContext;

    fn deref(&self) -> &RumContext {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Rum {
    type Rejection = MissingRum;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MissingRum> {
        find(parts).ok_or(MissingRum)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Rum {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(find(parts))
    }
}

fn find(parts: &Parts) -> Option<Rum> {
    let in_extensions = parts.extensions.get::<RumContext>().cloned();
    // The handler's arguments are made while its request's context is active.
    let rum = in_extensions.unwrap_or_else(RumContext::current);
    (!rum.is_empty()).then_some(Rum(rum))
}

/// The rejection of [`Rum`]: `400 Bad Request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingRum;

impl IntoResponse for MissingRum {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.to_string()).into_response()
    }
}

impl std::fmt::Display for MissingRum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "the request names no app, session or user: it came from no RUM SDK, a gateway \
             dropped its tracestate header, or RumTraceLayer is missing",
        )
    }
}

impl std::error::Error for MissingRum {}

/// Extracts the ids of the current SERVER span, for a log line or a support
/// code. All zero if no span is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentTrace {
    /// The trace's id; it prints as 32 hex digits.
    pub trace_id: TraceId,
    /// The SERVER span's id; it prints as 16 hex digits.
    pub span_id: SpanId,
    /// Whether the span is exported.
    pub sampled: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentTrace {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Context::map_current(|cx| {
            let span = cx.span();
            let span = span.span_context();
            CurrentTrace {
                trace_id: span.trace_id(),
                span_id: span.span_id(),
                sampled: span.is_sampled(),
            }
        }))
    }
}
