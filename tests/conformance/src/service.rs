use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace::axum::RumTraceLayer;
use rum_trace::opentelemetry::global;

use crate::calls::{Call, Caller};

/// Sets the global tracer provider as a user's service would.
pub fn install_tracing() {
    global::set_tracer_provider(SdkTracerProvider::builder().build());
}

/// `POST /test` takes a list of calls and makes them, one after another.
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
    for call in &calls {
        caller
            .make(call)
            .await
            .map_err(|error| (StatusCode::BAD_GATEWAY, error))?;
    }
    Ok("called")
}
