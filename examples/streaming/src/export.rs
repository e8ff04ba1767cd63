//! `/export`: a long download, written by a task of its own.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use rum_trace::opentelemetry::trace::{FutureExt, TraceContextExt, Tracer};
use rum_trace::opentelemetry::{Context, KeyValue, global};
use serde::Deserialize;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

const ROWS_IN_A_CHUNK: u64 = 1_000;

/// So many chunks wait for a slow client; then the task waits.
const CHUNKS_AHEAD: usize = 4;

#[derive(Debug, Deserialize)]
pub(crate) struct Export {
    rows: u64,
}

/// The rows are written by another task than the one that serves the request.
/// Nothing tells it of the request but the context that it is given.
pub(crate) async fn export(Query(export): Query<Export>) -> impl IntoResponse {
    let (chunks, body) = channel(CHUNKS_AHEAD);
    tokio::spawn(write(export.rows, chunks).with_context(Context::current()));
    let body = ReceiverStream::new(body).map(Ok::<_, std::convert::Infallible>);
    ([(CONTENT_TYPE, "text/csv")], Body::from_stream(body))
}

/// Its span is a child of the request's.
async fn write(rows: u64, chunks: Sender<Bytes>) {
    let tracer = global::tracer("streaming");
    let cx = Context::current_with_span(tracer.start("write export"));
    let written = send(rows, &chunks).with_context(cx.clone()).await;
    let span = cx.span();
    // Fits: so many rows would take centuries.
    let count = i64::try_from(written).unwrap_or(i64::MAX);
    span.set_attribute(KeyValue::new("export.rows", count));
    span.set_attribute(KeyValue::new("export.complete", written == rows));
    span.end();
}

/// How many rows went out: all of them, unless the client left.
async fn send(rows: u64, chunks: &Sender<Bytes>) -> u64 {
    let mut written = 0;
    while written < rows {
        let next = rows.min(written.saturating_add(ROWS_IN_A_CHUNK));
        // The body is gone, and so there is nobody to write for.
        if chunks.send(chunk(written..next)).await.is_err() {
            break;
        }
        written = next;
    }
    written
}

fn chunk(rows: std::ops::Range<u64>) -> Bytes {
    let mut text = String::new();
    for row in rows {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{row},{}", row % 100);
    }
    text.into()
}
