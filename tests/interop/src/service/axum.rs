//! Our axum service: the tower layers on both sides.

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rum_trace::Instrumenter;
use rum_trace::axum::{CurrentTrace, Rum, RumTraceLayer};
use rum_trace::serve::Serve;
use rum_trace::tower::client::{RumTraceClient, RumTraceClientLayer};
use tower::{Layer, ServiceExt};

use super::{Call, MAX_ANSWER, PATIENCE, Setup, with_next};
use crate::BoxError;
use crate::answer::Answer;

#[derive(Clone, Debug)]
struct Service {
    name: String,
    instrumenter: Instrumenter,
    client: RumTraceClient<Client<HttpConnector, Empty<Bytes>>>,
}

/// Serves until SIGTERM.
pub(crate) fn run(setup: &Setup) -> Result<(), BoxError> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(setup))
}

async fn serve(setup: &Setup) -> Result<(), BoxError> {
    let pipeline = setup.pipeline()?;
    let instrumenter = setup.instrumenter()?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let service = Service {
        name: setup.name.clone(),
        instrumenter: instrumenter.clone(),
        client: RumTraceClientLayer::new(instrumenter.clone()).layer(client),
    };
    let app = Router::new()
        .route("/call", get(call))
        .with_state(service)
        .layer(RumTraceLayer::new(instrumenter));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Serve::new(pipeline)
        .run(|stop| axum::serve(listener, app).with_graceful_shutdown(stop))
        .await?;
    Ok(())
}

async fn call(
    State(service): State<Service>,
    Query(call): Query<Call>,
    trace: CurrentTrace,
    rum: Option<Rum>,
    headers: HeaderMap,
) -> Json<Answer> {
    let values = |name: &str| {
        headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect()
    };
    let rum = rum.as_ref().map(|Rum(rum)| rum);
    let stats = service.instrumenter.stats();
    let trace = (trace.trace_id, trace.sampled);
    let answer = super::answer(&service.name, trace, rum, &stats, values);
    Json(match call.next {
        Some(next) => with_next(answer, service.next(&next).await),
        None => answer,
    })
}

impl Service {
    async fn next(self, url: &str) -> Result<Answer, BoxError> {
        let request = Request::get(url).body(Empty::new())?;
        let response = tokio::time::timeout(PATIENCE, self.client.oneshot(request)).await??;
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect();
        let body = tokio::time::timeout(PATIENCE, body).await??.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }
}
