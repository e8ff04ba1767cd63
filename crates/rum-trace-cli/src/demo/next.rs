//! A service's way to the next one: under a CLIENT span, with the trace in its
//! headers.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use rum_trace::tower::client::{RumTraceClient, RumTraceClientLayer};
use rum_trace::{Instrumenter, UrlTemplate};
use serde::de::DeserializeOwned;
use tower_layer::Layer as _;

use super::fetch::{self, Client};

/// The service that is called next; clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    client: RumTraceClient<Client>,
    url: String,
}

impl Next {
    /// By the instrumenter of the service that calls, which knows what came in.
    pub(crate) fn new(url: String, instrumenter: &Instrumenter) -> Self {
        let layer = RumTraceClientLayer::new(instrumenter.clone());
        Self {
            client: layer.layer(fetch::client()),
            url,
        }
    }

    /// Asks for what stands behind the path, which is the template filled in, if it
    /// is one. Gives the answer, or in words why there is none.
    pub(crate) async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        template: Option<&'static str>,
        path: &str,
    ) -> Result<(StatusCode, A), String> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        if let Some(template) = template {
            request.extensions_mut().insert(UrlTemplate(template));
        }
        let (status, body) = fetch::fetch(self.client.clone(), request).await?;
        let answer = serde_json::from_slice(&body)
            .map_err(|error| format!("its answer {} cannot be read: {error}", status.as_u16()))?;
        Ok((status, answer))
    }
}
