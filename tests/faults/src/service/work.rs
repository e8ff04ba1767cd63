//! What the service does at each request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry::trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

use crate::report::Books;

/// What the handlers share.
pub(crate) struct Work {
    /// Without one no spans are made.
    pub(crate) tracer: Option<SdkTracer>,
    pub(crate) spans: usize,
    pub(crate) created: AtomicU64,
    pub(crate) books: Box<dyn Fn(u64) -> Books + Send + Sync>,
}

impl Work {
    pub(crate) fn books(&self) -> Books {
        (self.books)(self.created.load(Ordering::Relaxed))
    }

    /// A SERVER span with children, with the attributes that such spans have.
    fn spans(&self, tracer: &SdkTracer) {
        let root = tracer
            .span_builder("GET /work")
            .with_kind(SpanKind::Server)
            .with_attributes(server_attributes())
            .start(tracer);
        let cx = Context::new().with_span(root);
        for _ in 1..self.spans {
            let mut child = tracer
                .span_builder("SELECT items")
                .with_kind(SpanKind::Client)
                .with_attributes(client_attributes())
                .start_with_context(tracer, &cx);
            child.end();
        }
        cx.span().end();
        self.created.fetch_add(self.spans as u64, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}

fn server_attributes() -> Vec<KeyValue> {
    vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("http.route", "/work"),
        KeyValue::new("http.response.status_code", 200),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", "/work"),
        KeyValue::new("server.address", "127.0.0.1"),
        KeyValue::new("client.address", "127.0.0.1".to_owned()),
        KeyValue::new("session.id", "4f04d2f5-0e4c-4c3e".to_owned()),
    ]
}

pub(crate) fn client_attributes() -> Vec<KeyValue> {
    vec![
        KeyValue::new("db.system.name", "postgresql"),
        KeyValue::new("db.query.text", "SELECT * FROM items WHERE id = $1"),
        KeyValue::new("server.address", "127.0.0.1"),
        KeyValue::new("server.port", 5432),
    ]
}

pub(crate) fn app(work: Arc<Work>) -> Router {
    Router::new()
        .route("/work", get(handle))
        .route("/books", get(books))
        .with_state(work)
}

async fn handle(State(work): State<Arc<Work>>) -> &'static str {
    if let Some(tracer) = &work.tracer {
        work.spans(tracer);
    }
    "done\n"
}

async fn books(State(work): State<Arc<Work>>) -> Json<Books> {
    Json(work.books())
}
