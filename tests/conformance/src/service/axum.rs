use ::axum::extract::State;
use ::axum::http::StatusCode;
use ::axum::routing::post;
use ::axum::{Json, Router};
use rum_trace::axum::RumTraceLayer;

use super::make_all;
use crate::calls::{Call, Caller};

/// The service on axum.
pub fn router() -> Router {
    Router::new()
        .route("/test", post(test))
        .with_state(Caller::new())
        .layer(RumTraceLayer::default())
}

async fn test(
    State(caller): State<Caller>,
    Json(calls): Json<Vec<Call>>,
) -> Result<&'static str, (StatusCode, String)> {
    let called = make_all(&caller, &calls).await;
    called.map_err(|error| (StatusCode::BAD_GATEWAY, error))
}
