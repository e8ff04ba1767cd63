//! A shop's backend: what its clients' RUM SDKs begin, its spans go on with.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use rum_trace::axum::{CurrentTrace, Rum, RumTraceLayer};
use rum_trace::opentelemetry::global;
use rum_trace::opentelemetry::trace::Tracer;
use serde::{Deserialize, Serialize};

/// The routes, under one layer. The layer goes last, so that it wraps them all.
pub fn app(layer: RumTraceLayer) -> Router {
    Router::new()
        .route("/items/{id}", get(item))
        .route("/search", get(search))
        .route("/orders", post(order))
        .layer(layer)
}

/// An item as the shop shows it.
#[derive(Debug, Serialize)]
struct Item {
    id: u32,
    /// The session that asked, if the client told: no wiring in the handler.
    seen_by_session: Option<String>,
}

async fn item(Path(id): Path<u32>, rum: Option<Rum>) -> Result<Json<Item>, StatusCode> {
    if id == 0 {
        return Err(StatusCode::NOT_FOUND);
    }
    let session = rum.and_then(|Rum(rum)| rum.session_id().map(str::to_owned));
    Ok(Json(Item {
        id,
        seen_by_session: session,
    }))
}

#[derive(Debug, Deserialize)]
struct Search {
    words: String,
}

/// A span of one's own hangs under the request's.
async fn search(Query(search): Query<Search>) -> String {
    global::tracer("shop").in_span("look up index", |_| format!("nothing for {}", search.words))
}

/// The trace id is what a customer can read to support.
async fn order(trace: CurrentTrace) -> (StatusCode, String) {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("please quote {} to support", trace.trace_id),
    )
}
