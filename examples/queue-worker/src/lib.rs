//! A shop that answers at once and does the work later: a queue takes the order to a
//! worker, and a background task sends the confirmation.
//!
//! ```text
//! android.request:https://shop.example/orders    the phone
//! └─ POST /orders                      SERVER    the handler, which answers 202
//!    ├─ send orders                    PRODUCER  the message goes into the queue
//!    │  └─ process orders              CONSUMER  the worker, whenever it comes to it
//!    └─ send confirmation              INTERNAL  the task that outlives the request
//! ```
//!
//! All of them know the phone's session, and so do their log lines.

pub mod log;
mod orders;
mod queue;
mod worker;

use axum::Router;
use axum::routing::post;
use rum_trace::axum::RumTraceLayer;
use tokio_util::task::TaskTracker;

pub use queue::{Queue, Receiver, queue};
pub use worker::work;

/// The routes, under one layer. The layer goes last, so that it wraps them all.
///
/// `background` has the tasks that outlive their requests, to be waited for at the end.
pub fn app(layer: RumTraceLayer, queue: Queue, background: TaskTracker) -> Router {
    Router::new()
        .route("/orders", post(orders::order))
        .with_state((queue, background))
        .layer(layer)
}
