//! `/orders`: takes an order and leaves the work to others.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rum_trace::ContextSnapshot;
use rum_trace::opentelemetry::global;
use rum_trace::opentelemetry::trace::Tracer;
use serde::{Deserialize, Serialize};
use tokio_util::task::TaskTracker;

use crate::queue::Queue;

/// What a customer wants.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) item: u32,
    pub(crate) count: u32,
}

pub(crate) async fn order(
    State((queue, background)): State<(Queue, TaskTracker)>,
    Json(order): Json<Order>,
) -> StatusCode {
    if queue.send(&order).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    // Nothing but the snapshot tells the task of the request, which is over before it.
    background.spawn(ContextSnapshot::current().wrap(confirm(order)));
    StatusCode::ACCEPTED
}

async fn confirm(order: Order) {
    global::tracer("shop").in_span("send confirmation", |_| {
        tracing::info!(order.item, "confirmation sent");
    });
}
