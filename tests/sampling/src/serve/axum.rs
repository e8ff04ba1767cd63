//! On axum.

use std::net::{SocketAddr, TcpListener};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{any, get};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rum_trace_test_services::Running;
use rum_trace_tower::RumTraceLayer;
use rum_trace_tower::client::{RumTraceClient, RumTraceClientLayer};
use tower::{Layer as _, ServiceExt as _};

use super::{InProcess, SLOW};
use crate::{Answer, Site, Tap};

type Hyper = RumTraceClient<Client<HttpConnector, Empty<Bytes>>>;

#[derive(Clone)]
struct Here {
    site: Site,
    client: Hyper,
}

/// The site as a service of tower's, behind its layer.
#[must_use]
pub fn on_axum(site: Site) -> impl InProcess {
    Routes(router(site))
}

struct Routes(Router);

impl InProcess for Routes {
    async fn call(&self, tap: &Tap) -> Answer {
        let request = Request::builder().method(tap.method).uri(&tap.path);
        let request = tap.headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        let request = request.extension(ConnectInfo(tap.from)).body(Body::empty());
        let request = request.expect("a request");
        let Ok(response) = self.0.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body");
        let body = String::from_utf8(body.to_bytes().into());
        Answer {
            status,
            body: body.expect("text"),
        }
    }
}

fn router(site: Site) -> Router {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let layer = RumTraceLayer::new(site.instrumenter.clone());
    let here = Here {
        client: RumTraceClientLayer::new(site.instrumenter.clone()).layer(client),
        site,
    };
    Router::new()
        .route("/told/{id}", get(told))
        .route("/next/{id}", get(next))
        .route("/items/{id}", any(item))
        .route("/fails/{id}", get(fails))
        .route("/slow/{id}", get(slow))
        .fallback(|| async { "ok" })
        .with_state(here)
        .layer(layer)
}

pub(super) fn start(listener: TcpListener, site: Site) -> Running {
    Running::on_tokio(|| serve(listener, site))
}

async fn serve(listener: TcpListener, site: Site) {
    listener.set_nonblocking(true).expect("a socket can be");
    let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
    let service = router(site).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).await;
    served.expect("axum serves for ever");
}

async fn told(State(here): State<Here>) -> String {
    here.site.told()
}

async fn next(State(here): State<Here>, Path(id): Path<String>) -> Result<String, StatusCode> {
    let request = Request::get(here.site.next(&id)).body(Empty::new());
    let response = here.client.oneshot(request.expect("a URL")).await;
    let response = response.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let body = response.into_body().collect().await;
    let body = body.map_err(|_| StatusCode::BAD_GATEWAY)?.to_bytes();
    String::from_utf8(body.into()).map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn item(headers: HeaderMap) -> String {
    let list = headers.get("tracestate");
    let list = list.map(|value| String::from_utf8_lossy(value.as_bytes()));
    list.unwrap_or_default().into_owned()
}

async fn fails(State(here): State<Here>) -> StatusCode {
    here.site.child();
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn slow() -> &'static str {
    tokio::time::sleep(SLOW).await;
    "at last"
}
