//! Answers that take their time: server-sent events, a long download and a
//! WebSocket, and where the span of each ends.
//!
//! | route | the SERVER span ends | goes on afterwards |
//! |---|---|---|
//! | `/prices` | with the last event | nothing |
//! | `/export` | with the last byte | nothing: the task that writes is over by then |
//! | `/live` | at the `101` | the socket, whose messages have spans of their own |
//!
//! A client that leaves earlier ends the first two at once, as an error:
//! `error.type` is `client_disconnected_in_body`.

mod export;
mod live;
mod market;
mod prices;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rum_trace::axum::RumTraceLayer;

pub use market::{Market, Price};

/// The routes, under one layer. The layer goes last, so that it wraps them all.
pub fn app(layer: RumTraceLayer, market: Arc<Market>) -> Router {
    Router::new()
        .route("/prices", get(prices::prices))
        .route("/export", get(export::export))
        .route("/live", get(live::live))
        .with_state(market)
        .layer(layer)
}
