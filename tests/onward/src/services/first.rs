//! A: axum, which calls the next one with hyper's client or with reqwest.

use std::error::Error;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reqwest_middleware::ClientWithMiddleware;
use rum_trace_core::Instrumenter;
use rum_trace_tower::RumTraceLayer;
use rum_trace_tower::client::{RumTraceClient, RumTraceClientLayer};
use tower::{Layer, ServiceExt};

use super::{Axum, pairs};
use crate::seen::{Seen, Witness};

/// By what a service on axum calls the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// hyper's client with the tower layer.
    Hyper,
    /// reqwest with the middleware.
    Reqwest,
}

impl Library {
    /// Both.
    pub const ALL: [Library; 2] = [Library::Hyper, Library::Reqwest];
}

type Hyper = RumTraceClient<legacy::Client<HttpConnector, Empty<Bytes>>>;

/// A client whose requests are CLIENT spans.
#[derive(Clone, Debug)]
pub enum Client {
    /// hyper's with the tower layer.
    Hyper(Box<Hyper>),
    /// reqwest's with the middleware.
    Reqwest(ClientWithMiddleware),
}

impl Client {
    /// The one of this library.
    #[must_use]
    pub fn of(library: Library, instrumenter: Instrumenter) -> Self {
        match library {
            Library::Hyper => Client::hyper(instrumenter),
            Library::Reqwest => Client::reqwest(instrumenter),
        }
    }

    /// hyper's.
    #[must_use]
    pub fn hyper(instrumenter: Instrumenter) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new()).build_http();
        let client = RumTraceClientLayer::new(instrumenter).layer(client);
        Client::Hyper(Box::new(client))
    }

    /// # Panics
    ///
    /// If reqwest cannot be set up.
    fn reqwest(instrumenter: Instrumenter) -> Self {
        let client = reqwest::Client::builder().no_proxy();
        let client = rum_trace_reqwest::client(client, instrumenter);
        Client::Reqwest(client.expect("a client"))
    }

    /// The answer's body.
    ///
    /// # Errors
    ///
    /// If there is none, or not the whole of it.
    pub async fn get(&self, url: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        match self {
            Client::Hyper(client) => {
                let request = Request::get(url).body(Empty::new())?;
                let response = Hyper::clone(client).oneshot(request).await?;
                let body = response.into_body().collect().await?;
                Ok(String::from_utf8(body.to_bytes().into())?)
            }
            Client::Reqwest(client) => Ok(client.get(url).send().await?.text().await?),
        }
    }
}

#[derive(Clone, Debug)]
struct Shop {
    client: Client,
    next: String,
    witness: Witness,
}

/// Serves; `next` is the URL of the next one's items.
pub async fn start(
    instrumenter: Instrumenter,
    library: Library,
    next: String,
    witness: Witness,
) -> Axum {
    let shop = Shop {
        client: Client::of(library, instrumenter.clone()),
        next,
        witness,
    };
    let app = Router::new()
        .route("/checkout/{item}", get(checkout))
        .with_state(shop)
        .layer(RumTraceLayer::new(instrumenter));
    Axum::start(app).await
}

async fn checkout(
    State(shop): State<Shop>,
    Path(item): Path<String>,
    headers: HeaderMap,
) -> Result<String, StatusCode> {
    shop.witness.tell(Seen::now(pairs(&headers)));
    let answer = shop.client.get(&format!("{}/{item}", shop.next)).await;
    answer.map_err(|_| StatusCode::BAD_GATEWAY)
}
