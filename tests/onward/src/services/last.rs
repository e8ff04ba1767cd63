//! C: axum, which answers, and calls a stranger.

use std::future::pending;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use rum_trace_core::Instrumenter;
use rum_trace_tower::RumTraceLayer;

use super::first::Client;
use super::{Axum, NEVER, pairs};
use crate::seen::{Seen, Witness};

#[derive(Clone, Debug)]
struct Stock {
    client: Client,
    stranger: String,
    witness: Witness,
}

/// Serves; `stranger` is the URL that it calls.
pub async fn start(instrumenter: Instrumenter, stranger: String, witness: Witness) -> Axum {
    let stock = Stock {
        client: Client::hyper(instrumenter.clone()),
        stranger,
        witness,
    };
    let app = Router::new()
        .route("/stock/{item}", get(answer))
        .with_state(stock)
        .layer(RumTraceLayer::new(instrumenter));
    Axum::start(app).await
}

async fn answer(
    State(stock): State<Stock>,
    Path(item): Path<String>,
    headers: HeaderMap,
) -> Result<String, StatusCode> {
    stock.witness.tell(Seen::now(pairs(&headers)));
    if item == NEVER {
        pending::<()>().await;
    }
    let paid = stock.client.get(&stock.stranger).await;
    paid.map_err(|_| StatusCode::BAD_GATEWAY)
}
