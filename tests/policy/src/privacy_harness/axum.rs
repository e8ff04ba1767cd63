//! The service on axum, which calls others with hyper's client and with reqwest.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reqwest_middleware::ClientWithMiddleware;
use rum_trace_tower::RumTraceLayer;
use rum_trace_tower::client::{RumTraceClient, RumTraceClientLayer};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::{Layer, ServiceExt};

use super::calls::{Calls, goes_on};
use super::{OWN_HOST, PATIENCE};

/// It runs until it is told to end.
pub(super) struct Axum {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Shop {
    hyper: RumTraceClient<legacy::Client<HttpConnector, Empty<Bytes>>>,
    reqwest: ClientWithMiddleware,
    calls: Calls,
}

impl Axum {
    pub(super) async fn start(calls: Calls) -> Self {
        let app = router(calls);
        let listener = TcpListener::bind((OWN_HOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let served = axum::serve(listener, app).with_graceful_shutdown(stopped);
        let task = tokio::spawn(async move { served.await.expect("served") });
        Axum {
            address,
            stop,
            task,
        }
    }

    /// Once its requests are over, and so their spans.
    pub(super) async fn end(self) {
        drop(self.stop);
        let ended = tokio::time::timeout(PATIENCE, self.task).await;
        ended.expect("it ends in time").expect("it served");
    }
}

fn router(calls: Calls) -> Router {
    let instrumenter = calls.instrumenter.clone();
    let hyper = legacy::Client::builder(TokioExecutor::new()).build_http();
    let reqwest = reqwest::Client::builder().no_proxy();
    let shop = Shop {
        hyper: RumTraceClientLayer::new(instrumenter.clone()).layer(hyper),
        reqwest: rum_trace_reqwest::client(reqwest, instrumenter.clone()).expect("a client"),
        calls,
    };
    Router::new()
        .route("/cart", get(cart))
        .with_state(shop)
        .layer(RumTraceLayer::new(instrumenter))
}

async fn cart(State(shop): State<Shop>, headers: HeaderMap) -> Result<&'static str, StatusCode> {
    let came = headers.iter();
    let came = came.map(|(name, value)| (name.as_str(), value.as_bytes()));
    shop.calls.tell(came);
    let copied = headers.iter().filter(|(name, _)| goes_on(name.as_str()));
    let copied: HeaderMap = copied
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for url in shop.calls.urls() {
        let mut request = Request::get(&url).body(Empty::new()).expect("a request");
        request.headers_mut().extend(copied.clone());
        let answer = shop.hyper.clone().oneshot(request).await;
        let answer = answer.map_err(|_| StatusCode::BAD_GATEWAY)?;
        let body = answer.into_body().collect().await;
        body.map_err(|_| StatusCode::BAD_GATEWAY)?;

        let answer = shop.reqwest.get(&url).headers(copied.clone()).send().await;
        let answer = answer.map_err(|_| StatusCode::BAD_GATEWAY)?;
        answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    }
    Ok("sold")
}
