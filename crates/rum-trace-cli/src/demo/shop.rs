//! The service that the phones ask, through the gateway; on axum.

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use rum_trace::axum::{CurrentTrace, RumTraceLayer};

use super::answer::{Answer, Seen};
use super::next::Next;

pub(crate) fn router(layer: RumTraceLayer, stock: Next) -> Router {
    Router::new()
        .route("/items/{id}", get(item))
        .route("/items/{id}/delivery", get(delivery))
        .route("/orders", post(order))
        .route("/search", get(search))
        .with_state(stock)
        .layer(layer)
}

type Reply = (StatusCode, Json<Answer>);

async fn item(State(stock): State<Next>, trace: CurrentTrace, Path(id): Path<u32>) -> Reply {
    let path = format!("/stock/{id}");
    let called = stock.call(Method::GET, Some("/stock/{id}"), &path).await;
    reply(trace, called)
}

async fn delivery(State(stock): State<Next>, trace: CurrentTrace, Path(id): Path<u32>) -> Reply {
    let path = format!("/stock/{id}/forecast");
    let called = stock
        .call(Method::GET, Some("/stock/{id}/forecast"), &path)
        .await;
    reply(trace, called)
}

async fn order(State(stock): State<Next>, trace: CurrentTrace) -> Reply {
    let called = stock
        .call(Method::POST, Some("/reservations"), "/reservations")
        .await;
    reply(trace, called)
}

/// Answered by the shop itself.
async fn search(trace: CurrentTrace) -> Reply {
    let answer = Answer {
        gateway: None,
        shop: trace.into(),
        stock: None,
    };
    (StatusCode::OK, Json(answer))
}

fn reply(trace: CurrentTrace, called: Result<(StatusCode, Seen), String>) -> Reply {
    let (status, stock) = match called {
        Ok((status, seen)) if status.is_success() => (StatusCode::OK, Some(seen)),
        Ok((_, seen)) => (StatusCode::INTERNAL_SERVER_ERROR, Some(seen)),
        // The CLIENT span tells why.
        Err(_) => (StatusCode::BAD_GATEWAY, None),
    };
    let answer = Answer {
        gateway: None,
        shop: trace.into(),
        stock,
    };
    (status, Json(answer))
}
