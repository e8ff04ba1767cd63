//! A call from one service to another of one's own: under a CLIENT span, with
//! the trace in its headers.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use opentelemetry_sdk::trace::SdkTracer;
use rum_trace::Injection;
use rum_trace::opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use rum_trace::opentelemetry::{Context, KeyValue};

use super::answer::Seen;
use super::fetch::Client;
use crate::loopback::Server;

/// The shop's way to the stock service.
#[derive(Clone, Debug)]
pub(crate) struct Stock {
    client: Client,
    tracer: SdkTracer,
    url: String,
    host: String,
    port: u16,
}

impl Stock {
    pub(crate) fn new(server: &Server, tracer: SdkTracer) -> Self {
        Self {
            client: Client::new(),
            tracer,
            url: server.url(),
            host: server.address().ip().to_string(),
            port: server.address().port(),
        }
    }

    /// Calls `path`, which is `template` filled in. Gives its status and the
    /// trace it was in, or in words why there is no such answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        template: &'static str,
        path: &str,
    ) -> Result<(StatusCode, Seen), String> {
        let url = format!("{}{path}", self.url);
        let cx = self.client_span(&method, template, &url);
        let outcome = self.send(&cx, method, &url).await;
        let span = cx.span();
        match &outcome {
            Ok((status, _)) => {
                let code = i64::from(status.as_u16());
                span.set_attribute(KeyValue::new("http.response.status_code", code));
                // For a client 4xx is an error too.
                if status.is_client_error() || status.is_server_error() {
                    span.set_attribute(KeyValue::new("error.type", code.to_string()));
                    span.set_status(Status::error(""));
                }
            }
            Err(problem) => {
                span.set_attribute(KeyValue::new("error.type", "_OTHER"));
                span.set_status(Status::error(problem.clone()));
            }
        }
        span.end();
        outcome
    }

    /// By OpenTelemetry's conventions for HTTP clients.
    fn client_span(&self, method: &Method, template: &'static str, url: &str) -> Context {
        let parent = Context::current();
        let attributes = [
            KeyValue::new("http.request.method", method.to_string()),
            KeyValue::new("url.full", url.to_owned()),
            KeyValue::new("url.template", template),
            KeyValue::new("server.address", self.host.clone()),
            KeyValue::new("server.port", i64::from(self.port)),
        ];
        let span = self
            .tracer
            .span_builder(format!("{method} {template}"))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &parent);
        parent.with_span(span)
    }

    async fn send(
        &self,
        cx: &Context,
        method: Method,
        url: &str,
    ) -> Result<(StatusCode, Seen), String> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        rum_trace::tower::inject(cx, Injection::to_own_service(), request.headers_mut());
        let (status, body) = self.client.fetch(request).await?;
        let seen = serde_json::from_slice(&body)
            .map_err(|error| format!("the stock service's answer cannot be read: {error}"))?;
        Ok((status, seen))
    }
}
