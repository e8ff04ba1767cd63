//! What stands before the shop, on axum: it hands every request on.

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::{Json, Router};
use rum_trace::axum::{CurrentTrace, RumTraceLayer};

use super::answer::{Answer, Seen};
use super::next::Next;

pub(crate) fn router(layer: RumTraceLayer, shop: Next) -> Router {
    Router::new()
        .fallback(forward)
        .with_state(shop)
        .layer(layer)
}

async fn forward(
    State(shop): State<Next>,
    trace: CurrentTrace,
    method: Method,
    uri: Uri,
) -> Result<(StatusCode, Json<Answer>), StatusCode> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let called = shop.call::<Answer>(method, None, target).await;
    // The CLIENT span tells why.
    let (status, answer) = called.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let gateway = Some(Seen::from(trace));
    Ok((status, Json(Answer { gateway, ..answer })))
}
