//! A server of somebody else, which knows nothing of traces.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::get;

use super::{Axum, pairs};
use crate::seen::{Seen, Witness};

/// Serves.
pub async fn start(witness: Witness) -> Axum {
    let app = Router::new().route("/pay", get(pay)).with_state(witness);
    Axum::start(app).await
}

async fn pay(State(witness): State<Witness>, headers: HeaderMap) -> &'static str {
    witness.tell(Seen::now(pairs(&headers)));
    "paid"
}
