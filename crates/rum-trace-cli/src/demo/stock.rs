//! The service behind the shop.

use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use rum_trace::axum::{CurrentTrace, RumTraceLayer};

use super::answer::Seen;

/// How long a forecast takes: the slow request of the demo.
const FORECAST: Duration = Duration::from_millis(40);

pub(crate) fn router(layer: RumTraceLayer) -> Router {
    Router::new()
        .route("/stock/{id}", get(level))
        .route("/stock/{id}/forecast", get(forecast))
        .route("/reservations", post(reservation))
        .layer(layer)
}

async fn level(trace: CurrentTrace) -> Json<Seen> {
    Json(trace.into())
}

async fn forecast(trace: CurrentTrace) -> Json<Seen> {
    tokio::time::sleep(FORECAST).await;
    Json(trace.into())
}

/// Always fails: the error of the demo, deep in its call chain.
async fn reservation(trace: CurrentTrace) -> (StatusCode, Json<Seen>) {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(trace.into()))
}
