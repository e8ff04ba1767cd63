use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rum_trace::opentelemetry::trace::{SpanKind, TraceContextExt, Tracer};
use rum_trace::opentelemetry::{Context, KeyValue, global};
use rum_trace::{Injection, TraceProtocol};
use serde::Deserialize;

/// One call that the suite asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Call {
    url: String,
    arguments: serde_json::Value,
}

#[derive(Clone, Debug)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Caller {
    pub(crate) fn new() -> Self {
        Caller {
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Posts the arguments to the URL, under a CLIENT span of its own.
    pub(crate) async fn make(&self, call: &Call) -> Result<(), String> {
        let uri: Uri = call
            .url
            .parse()
            .map_err(|error| format!("{}: {error}", call.url))?;
        let cx = client_span(&uri);
        let mut request = Request::post(uri)
            .header("content-type", "application/json")
            .body(Full::from(call.arguments.to_string()))
            .map_err(|error| error.to_string())?;
        rum_trace::tower::inject(
            &cx,
            Injection::to_own_service().protocol(TraceProtocol::W3c),
            request.headers_mut(),
        );
        let outcome = self.client.request(request).await;
        let response = outcome.map_err(|error| format!("{}: {error}", call.url))?;
        let status = i64::from(response.status().as_u16());
        cx.span()
            .set_attribute(KeyValue::new("http.response.status_code", status));
        response
            .into_body()
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        cx.span().end();
        Ok(())
    }
}

fn client_span(uri: &Uri) -> Context {
    let tracer = global::tracer("rum-trace-conformance");
    let attributes = [
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("url.full", uri.to_string()),
        KeyValue::new("server.address", uri.host().unwrap_or_default().to_owned()),
        KeyValue::new("server.port", i64::from(uri.port_u16().unwrap_or(80))),
    ];
    let span = tracer
        .span_builder(Method::POST.to_string())
        .with_kind(SpanKind::Client)
        .with_attributes(attributes)
        .start(&tracer);
    Context::current_with_span(span)
}
