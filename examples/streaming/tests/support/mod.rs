//! What the tests share: the service on a real socket, and one collector.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rum_trace::axum::RumTraceLayer;
use rum_trace::{Instrumenter, InstrumenterBuilder};
use rum_trace_testing::{Collector, PhoneRequest, SpanView};
use streaming::Market;
use tokio::task::JoinHandle;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The handlers' spans go to the global provider, of which there is one: the
/// tests tell their spans apart by trace.
static COLLECTOR: LazyLock<Collector> = LazyLock::new(|| {
    let collector = Collector::new();
    rum_trace::opentelemetry::global::set_tracer_provider(collector.tracer_provider());
    collector
});

/// The service on a free port of the loopback interface, stopped when dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) market: Arc<Market>,
    task: JoinHandle<()>,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Service::start_with(|settings| settings).await
    }

    pub(crate) async fn start_with(
        set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        let settings = Instrumenter::builder().tracer_provider(&COLLECTOR.tracer_provider());
        let layer = RumTraceLayer::from_builder(set(settings)).expect("settings are right");
        let market = Arc::new(Market::default());
        let app = streaming::app(layer, Arc::clone(&market));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Service {
            address,
            market,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A response of which the head is there.
pub(crate) struct Download(hyper::body::Incoming);

impl Download {
    /// Sends the tap, on a connection of its own that closes with the download.
    pub(crate) async fn begin(tap: &PhoneRequest) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut request = http::Request::builder().method(tap.method()).uri(tap.url());
        for (name, value) in tap.headers() {
            request = request.header(*name, value);
        }
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let response = in_time(client.request(request)).await.expect("an answer");
        assert_eq!(response.status(), 200);
        Download(response.into_body())
    }

    /// The next bytes; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        let frame = in_time(self.0.frame()).await?;
        Some(frame.map(|frame| frame.into_data().expect("no trailers")))
    }
}

/// Waits, but not forever.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

/// The spans of a tap's trace that have ended.
pub(crate) fn ended(tap: &PhoneRequest) -> Vec<SpanView> {
    let mut spans = COLLECTOR.spans();
    spans.retain(|span| span.trace_id() == tap.trace_id());
    spans
}

/// Waits for so many spans of a tap's trace.
pub(crate) async fn wait_for(tap: &PhoneRequest, count: usize) {
    let arrived = async {
        while ended(tap).len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, arrived).await.is_err() {
        panic!("{count} spans are expected:\n{}", COLLECTOR.tree());
    }
}

/// The SERVER span that continues the tap; it must have ended by now.
#[track_caller]
pub(crate) fn server_span(tap: &PhoneRequest) -> SpanView {
    COLLECTOR.assert_continues(tap)
}
