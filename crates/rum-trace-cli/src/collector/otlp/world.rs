//! What the tests of both transports have in common.

use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message as _;
use tower::ServiceExt as _;

use super::{Receiver, RequestLimits};
use crate::collector::intake::Intake;
use crate::collector::{Limits, SpanBuilder, Store};
use crate::http::host::HostPolicy;

/// The longest body here.
pub(super) const MAX: usize = 10_000;

/// A receiver without a socket.
pub(super) struct World {
    pub(super) store: Arc<Store>,
    pub(super) intake: Arc<Intake>,
    app: Router,
}

impl World {
    pub(super) fn new(router: fn(Arc<Receiver>) -> Router) -> Self {
        let store = Arc::new(Store::new(Limits::default()));
        let intake = Arc::new(Intake::new(Arc::clone(&store)));
        let limits = RequestLimits {
            body: MAX,
            decoded: 10 * MAX,
            ..RequestLimits::default()
        };
        let receiver = Receiver::new(Arc::clone(&intake), limits, HostPolicy::default());
        let app = router(Arc::new(receiver));
        Self { store, intake, app }
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Response {
        self.app.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn post(
        &self,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Response {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(body.into()).unwrap()).await
    }

    pub(super) fn counted(&self, reason: &str) -> u64 {
        self.intake.stats.snapshot().refused.requests[reason]
    }
}

pub(super) fn export(spans: impl IntoIterator<Item = SpanBuilder>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans {
        spans: spans.into_iter().map(SpanBuilder::proto).collect(),
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}
