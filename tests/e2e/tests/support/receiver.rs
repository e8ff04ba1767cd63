//! Where the collector forwards to: OTLP over HTTP/protobuf. The bodies are
//! gzipped, whatever rotel is told of compression.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use rum_trace_e2e::server::Server;

use super::PATIENCE;
use super::support::Told;

/// A span as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) span: Span,
    pub(crate) attributes: Vec<(String, Told)>,
    /// `service.name` of its resource.
    pub(crate) service: Option<Told>,
}

impl Arrived {
    /// The value of `url.path`, or nothing.
    pub(crate) fn path(&self) -> String {
        let mut attributes = self.attributes.iter();
        match attributes.find(|(name, _)| name == "url.path") {
            Some((_, Told::Text(path))) => path.clone(),
            _ => String::new(),
        }
    }

    pub(crate) fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }

    /// By the two bits of OTLP that say whether it is known, and what it is.
    pub(crate) fn parent_is_remote(&self) -> bool {
        const KNOWN_AND_REMOTE: u32 = 0x300;
        self.span.flags & KNOWN_AND_REMOTE == KNOWN_AND_REMOTE
    }

    pub(crate) fn parent_id(&self) -> String {
        hex(&self.span.parent_span_id)
    }
}

pub(crate) struct Receiver {
    server: Server,
    spans: Arc<Spans>,
}

#[derive(Default)]
struct Spans {
    arrived: Mutex<Vec<Arrived>>,
    more: Condvar,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let spans = Arc::<Spans>::default();
        let theirs = Arc::clone(&spans);
        let export = move |body: Bytes| async move { theirs.add(&body) };
        let router = Router::new().route("/v1/traces", post(export));
        let server = Server::start(router);
        Receiver { server, spans }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Waits until a span with this path has arrived, and gives all.
    pub(crate) fn wait_for(&self, path: &str) -> Vec<Arrived> {
        let end = Instant::now() + PATIENCE;
        let mut arrived = self.spans.lock();
        while !arrived.iter().any(|span| span.path() == path) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{path} did not arrive; {} spans did",
                arrived.len()
            );
            let waited = self.spans.more.wait_timeout(arrived, left);
            arrived = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        arrived.clone()
    }
}

type Answer = (StatusCode, [(header::HeaderName, &'static str); 1], Vec<u8>);

impl Spans {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arrived>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, body: &[u8]) -> Answer {
        let content_type = [(header::CONTENT_TYPE, "application/x-protobuf")];
        let mut plain = Vec::new();
        let unzipped = GzDecoder::new(body).read_to_end(&mut plain);
        let request = ExportTraceServiceRequest::decode(&*plain);
        let (Ok(_), Ok(request)) = (unzipped, request) else {
            return (StatusCode::BAD_REQUEST, content_type, Vec::new());
        };
        let arrived = request.resource_spans.into_iter().flat_map(spans_of);
        self.lock().extend(arrived);
        self.more.notify_all();
        let answer = ExportTraceServiceResponse::default().encode_to_vec();
        (StatusCode::OK, content_type, answer)
    }
}

fn spans_of(of: ResourceSpans) -> impl Iterator<Item = Arrived> {
    let resource = of.resource.unwrap_or_default();
    let service = told(&resource.attributes)
        .into_iter()
        .find(|(name, _)| name == "service.name")
        .map(|(_, value)| value);
    let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans.map(move |span| Arrived {
        attributes: told(&span.attributes),
        service: service.clone(),
        span,
    })
}

fn told(attributes: &[KeyValue]) -> Vec<(String, Told)> {
    let value = |pair: &KeyValue| match pair.value.as_ref().and_then(|any| any.value.clone()) {
        Some(Value::StringValue(text)) => Told::Text(text),
        Some(Value::IntValue(number)) => Told::Int(number),
        other => Told::Other(format!("{other:?}")),
    };
    attributes
        .iter()
        .map(|pair| (pair.key.clone(), value(pair)))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
