//! The collector: OTLP over HTTP, decoded.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::sync::oneshot;

/// A span as it arrived.
#[derive(Clone, Debug)]
pub struct Exported {
    span: Span,
    service: String,
}

impl Exported {
    /// The value of an attribute that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        text(&self.span.attributes, name)
    }

    /// `rum.sampling.reason`, or nothing.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.text("rum.sampling.reason").unwrap_or_default()
    }

    /// `rum.sampling.rule`, or nothing.
    #[must_use]
    pub fn rule(&self) -> &str {
        self.text("rum.sampling.rule").unwrap_or_default()
    }

    /// `session.id`, or nothing.
    #[must_use]
    pub fn session(&self) -> &str {
        self.text("session.id").unwrap_or_default()
    }

    /// `service.name` of its resource.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.span.name
    }

    /// Whether it is the span of a request that came in.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.span.kind == SpanKind::Server as i32
    }

    /// The id of its trace.
    ///
    /// # Panics
    ///
    /// If that has not 16 bytes.
    #[must_use]
    pub fn trace_id(&self) -> u128 {
        let bytes = self.span.trace_id.as_slice().try_into();
        u128::from_be_bytes(bytes.expect("16 bytes"))
    }

    /// The list that came in, with what sampling says in it.
    #[must_use]
    pub fn trace_state(&self) -> &str {
        &self.span.trace_state
    }

    /// The sampled flag that it is exported with.
    #[must_use]
    pub fn has_sampled_flag(&self) -> bool {
        self.span.flags & 1 == 1
    }
}

type Sink = dyn Fn(Exported) + Send + Sync;

/// A collector on a free port, which stops when this is dropped. Until then it
/// acknowledges what it could decode.
pub struct Receiver {
    endpoint: String,
    kept: Arc<Mutex<Vec<Exported>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Keeps what it gets.
    #[must_use]
    pub fn keeping() -> Self {
        let kept: Arc<Mutex<Vec<Exported>>> = Arc::default();
        let all = Arc::clone(&kept);
        Self::start(kept, Arc::new(move |span| lock(&all).push(span)))
    }

    /// Hands each span on instead, for tests that count memory.
    #[must_use]
    pub fn telling(sink: impl Fn(Exported) + Send + Sync + 'static) -> Self {
        Self::start(Arc::default(), Arc::new(sink))
    }

    fn start(kept: Arc<Mutex<Vec<Exported>>>, sink: Arc<Sink>) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || serve(listener, sink, stopped));
        Receiver {
            endpoint: format!("http://{address}"),
            kept,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Its base address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it has kept so far.
    #[must_use]
    pub fn take(&self) -> Vec<Exported> {
        std::mem::take(&mut *lock(&self.kept))
    }
}

fn lock(kept: &Mutex<Vec<Exported>>) -> std::sync::MutexGuard<'_, Vec<Exported>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: std::net::TcpListener, sink: Arc<Sink>, stopped: oneshot::Receiver<()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    let export = move |body: Bytes| async move { answer(&body, &*sink) };
    let router = Router::new().route("/v1/traces", post(export));
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a socket can be");
        let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
        tokio::select! {
            served = axum::serve(listener, router) => served.expect("axum serves for ever"),
            // The sender was dropped.
            _ = stopped => {}
        }
    });
}

type Answer = (StatusCode, [(header::HeaderName, &'static str); 1], Vec<u8>);

fn answer(body: &[u8], sink: &Sink) -> Answer {
    let content_type = [(header::CONTENT_TYPE, "application/x-protobuf")];
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return (StatusCode::BAD_REQUEST, content_type, Vec::new());
    };
    for of in request.resource_spans {
        let service = name_of(of.resource.as_ref());
        let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.for_each(|span| {
            let service = service.clone();
            sink(Exported { span, service });
        });
    }
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    (StatusCode::OK, content_type, answer)
}

fn name_of(resource: Option<&Resource>) -> String {
    let name = resource.and_then(|it| text(&it.attributes, "service.name"));
    name.expect("a service has a name").to_owned()
}

fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|it| it.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test fails by what is missing.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
