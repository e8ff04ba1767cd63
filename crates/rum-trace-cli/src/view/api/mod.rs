//! The JSON API under `/api/v1`: see docs/VIEW.md.

mod error;
mod query;
mod sessions;
mod span;
mod status;
mod topology;
mod trace;
mod traces;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rum_trace_propagation::{SpanId, TraceId};
use serde::Serialize;

use super::start::Shared;
use super::{live, page};

pub(super) use error::ApiError;
pub(super) use query::{Query, decimal};
pub(super) use status::Status;

/// What a handler gives: it is written as JSON.
type Answer<T> = Result<T, ApiError>;

/// Answers in the making at a time: each may be megabytes, and what takes spans
/// in needs the processors too.
pub(super) const MAX_ANSWERS: usize = 4;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/assets/{name}", get(asset))
        .route("/api/v1/status", get(status))
        .route("/api/v1/traces", get(traces))
        .route("/api/v1/traces/{trace}", get(trace))
        .route("/api/v1/traces/{trace}/spans/{span}", get(span))
        .route("/api/v1/sessions", get(sessions))
        .route("/api/v1/sessions/{session}", get(session))
        .route("/api/v1/topology", get(topology))
        .route("/api/v1/events", get(live::events))
        .fallback(|| async { ApiError::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async { ApiError::method() })
        .with_state(shared)
}

type Raw = State<Arc<Shared>>;
type Segments<T> = Result<Path<T>, PathRejection>;

async fn asset(name: Segments<String>) -> Result<Response, ApiError> {
    page::asset(&segments(name)?)
}

async fn status(State(shared): Raw, RawQuery(query): RawQuery) -> Response {
    answer(shared, move |shared| {
        Query::parse(query.as_deref(), &[])?;
        Ok(Status::of(shared))
    })
    .await
}

async fn traces(State(shared): Raw, RawQuery(query): RawQuery) -> Response {
    answer(shared, move |shared| {
        traces::answer(&shared.store, query.as_deref())
    })
    .await
}

async fn trace(State(shared): Raw, id: Segments<String>, RawQuery(query): RawQuery) -> Response {
    answer(shared, move |shared| {
        Query::parse(query.as_deref(), &[])?;
        trace::answer(&shared.store, trace_id(&segments(id)?)?)
    })
    .await
}

async fn span(
    State(shared): Raw,
    ids: Segments<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(shared, move |shared| {
        let query = Query::parse(query.as_deref(), &["service"])?;
        let (trace, span) = segments(ids)?;
        let id = SpanId::from_hex(span.as_bytes()).ok_or_else(|| {
            ApiError::invalid("span id", "16 hex digits in lower case, not all zero")
        })?;
        span::answer(&shared.store, trace_id(&trace)?, id, query.text("service"))
    })
    .await
}

async fn sessions(State(shared): Raw, RawQuery(query): RawQuery) -> Response {
    answer(shared, move |shared| {
        sessions::list(&shared.store, query.as_deref())
    })
    .await
}

async fn session(State(shared): Raw, id: Segments<String>, RawQuery(query): RawQuery) -> Response {
    answer(shared, move |shared| {
        sessions::one(&shared.store, &segments(id)?, query.as_deref())
    })
    .await
}

async fn topology(State(shared): Raw, RawQuery(query): RawQuery) -> Response {
    answer(shared, move |shared| {
        topology::answer(&shared.store, query.as_deref())
    })
    .await
}

fn segments<T>(path: Segments<T>) -> Answer<T> {
    let path = path.map_err(|_| ApiError::invalid("path", "percent-encoded UTF-8"))?;
    Ok(path.0)
}

fn trace_id(text: &str) -> Answer<TraceId> {
    TraceId::from_hex(text.as_bytes())
        .ok_or_else(|| ApiError::invalid("trace id", "32 hex digits in lower case, not all zero"))
}

fn no_such_trace() -> ApiError {
    ApiError::not_found("there is no such trace: it never came, or gave way to newer ones")
}

/// Runs it beside the workers that take spans in, and writes what it gives.
async fn answer<T: Serialize + 'static>(
    shared: Arc<Shared>,
    work: impl FnOnce(&Shared) -> Answer<T> + Send + 'static,
) -> Response {
    // Closed never. Whoever asked may go while it is made: it keeps its place.
    let place = Arc::clone(&shared.answers).acquire_owned().await;
    let written = tokio::task::spawn_blocking(move || {
        let _place = place;
        serde_json::to_vec(&work(&shared)?).map_err(|_| ApiError::internal())
    });
    match written.await {
        Ok(Ok(json)) => json_response(json),
        Ok(Err(error)) => error.into_response(),
        Err(_) => ApiError::internal().into_response(),
    }
}

fn json_response(json: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, json).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::{FutureExt as _, join_all};

    use super::*;
    use crate::collector::Options;
    use crate::view::start::Running;

    #[tokio::test]
    async fn few_answers_are_made_at_a_time() {
        let page = (std::net::Ipv4Addr::LOCALHOST, 0).into();
        let running = Running::start(page, Options::loopback()).await.unwrap();
        let shared = running.shared();
        let (begin, begun) = mpsc::channel();
        let (mut ends, mut asked) = (Vec::new(), Vec::new());
        for _ in 0..MAX_ANSWERS {
            let (end, ended) = mpsc::channel::<()>();
            let begin = begin.clone();
            let work = move |_: &Shared| {
                begin.send(()).map_err(|_| ApiError::internal())?;
                Ok(ended.recv().is_err())
            };
            let mut one = Box::pin(answer(Arc::clone(shared), work));
            assert!((&mut one).now_or_never().is_none());
            begun.recv().unwrap();
            ends.push(end);
            asked.push(one);
        }
        let mut further = Box::pin(answer(Arc::clone(shared), |_| Ok(true)));
        assert!((&mut further).now_or_never().is_none());
        assert_eq!(shared.answers.available_permits(), 0);
        // One who does not wait for the answer makes no room before it is made.
        drop(asked.pop());
        assert_eq!(shared.answers.available_permits(), 0);
        ends.clear();
        let status = further.await.status();
        assert!(status.is_success());
        join_all(asked).await;
    }
}
