use ::axum::extract::{Path, Request, State};
use ::axum::http::{HeaderName, HeaderValue, Method, header};
use ::axum::middleware::{Next, from_fn_with_state};
use ::axum::response::Response;
use ::axum::routing::get;
use ::axum::{Json, Router};
use rum_trace::axum::{CurrentTrace, Rum, RumTraceLayer};
use rum_trace::{CORS_REQUEST_HEADERS, Instrumenter};
use tower_http::cors::CorsLayer;

use super::{Framework, Known};
use crate::BoxError;
use crate::arrivals::Arrivals;

/// CORS goes outside of the trace, so that a preflight is none of its own.
pub(super) fn router(
    instrumenter: Instrumenter,
    page: &str,
    arrivals: Arrivals,
) -> Result<Router, BoxError> {
    Ok(Router::new()
        .route("/items/{id}", get(item).post(item))
        .route("/forum/{id}", get(item).post(item))
        .layer(RumTraceLayer::new(instrumenter))
        .layer(cors(page)?)
        .layer(from_fn_with_state(arrivals, write_down)))
}

fn cors(page: &str) -> Result<CorsLayer, BoxError> {
    let trace = CORS_REQUEST_HEADERS.map(HeaderName::from_static);
    let headers = trace.into_iter().chain([header::CONTENT_TYPE]);
    Ok(CorsLayer::new()
        .allow_origin(page.parse::<HeaderValue>()?)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(headers.collect::<Vec<_>>()))
}

async fn item(Path(_): Path<u32>, trace: CurrentTrace, rum: Option<Rum>) -> Json<Known> {
    let rum = rum.as_ref().map(|Rum(rum)| rum);
    Json(Known::new(
        trace.trace_id,
        trace.span_id,
        trace.sampled,
        rum,
    ))
}

async fn write_down(State(arrivals): State<Arrivals>, request: Request, next: Next) -> Response {
    let headers = request.headers().iter();
    arrivals.add(
        Framework::Axum,
        request.method().as_str(),
        request.uri().path(),
        headers.map(|(name, value)| (name.as_str(), value.as_bytes())),
    );
    next.run(request).await
}
