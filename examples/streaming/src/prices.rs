//! `/prices`: server-sent events.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Deserialize;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt};

use crate::Market;

#[derive(Debug, Deserialize)]
pub(crate) struct Watch {
    /// After so many events the stream ends; none: when the market closes.
    at_most: Option<usize>,
}

/// The span covers all events: it is open as long as the stream is.
///
/// A watcher that reads too slowly misses prices. The stream then breaks off,
/// since the head has said 200 long ago: the span has the `error.type`
/// `response_body_error`, and the browser connects anew.
pub(crate) async fn prices(
    Query(watch): Query<Watch>,
    State(market): State<Arc<Market>>,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, StatusCode> {
    let prices = market.watch().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let events = BroadcastStream::new(prices)
        .map(|price| Event::default().json_data(price.map_err(axum::Error::new)?))
        .take(watch.at_most.unwrap_or(usize::MAX));
    // Idle connections are kept open, and a client that has left is noticed.
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
