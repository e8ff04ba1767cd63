//! What a handler can take as arguments.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, ResponseError};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, SpanId, TraceId};
use rum_trace_core::RumContext;

/// Extracts the [`RumContext`]: what the client told of app, session and user.
///
/// As `Rum` it is required: a request whose client told nothing is answered
/// with [`MissingRum`]. As `Option<Rum>` it is optional.
///
/// ```
/// use actix_web::{App, web};
/// use rum_trace_actix::{Rum, RumTrace};
///
/// async fn cart(rum: Option<Rum>) -> String {
///     let session = rum.as_ref().and_then(|Rum(rum)| rum.session_id());
///     format!("cart of session {}", session.unwrap_or("unknown"))
/// }
///
/// let app = App::new()
///     .route("/cart", web::get().to(cart))
///     .wrap(RumTrace::default());
/// # let _ = app;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rum(pub RumContext);

impl Deref for Rum {
    type Target = RumContext;

    fn deref(&self) -> &RumContext {
        &self.0
    }
}

impl FromRequest for Rum {
    type Error = MissingRum;
    type Future = Ready<Result<Self, MissingRum>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The handler's arguments are made while its request's context is active.
        let rum = RumContext::current();
        ready(if rum.is_empty() {
            Err(MissingRum)
        } else {
            Ok(Rum(rum))
        })
    }
}

/// The rejection of [`Rum`]: `400 Bad Request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingRum;

impl ResponseError for MissingRum {
    fn status_code(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}

impl fmt::Display for MissingRum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the request names no app, session or user: it came from no RUM SDK, a gateway \
             dropped its tracestate header, or RumTrace is missing",
        )
    }
}

impl std::error::Error for MissingRum {}

/// Extracts the ids of the current SERVER span, for a log line or a support
/// code. All zero if no span is active.
///
/// ```
/// use actix_web::{App, web};
/// use rum_trace_actix::{CurrentTrace, RumTrace};
///
/// async fn order(trace: CurrentTrace) -> String {
///     format!("please quote {} to support", trace.trace_id)
/// }
///
/// let app = App::new()
///     .route("/orders", web::post().to(order))
///     .wrap(RumTrace::default());
/// # let _ = app;
/// ```
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

impl FromRequest for CurrentTrace {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Context::map_current(|cx| {
            let span = cx.span();
            let span = span.span_context();
            CurrentTrace {
                trace_id: span.trace_id(),
                span_id: span.span_id(),
                sampled: span.is_sampled(),
            }
        })))
    }
}
