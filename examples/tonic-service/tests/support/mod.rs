//! What the tests share: the shop on a real socket, and what its spans say.
#![allow(dead_code, reason = "each test uses its part")]

use std::sync::Arc;
use std::time::Duration;

use rum_trace::opentelemetry::trace::{SpanKind, Status};
use rum_trace_testing::{Collector, PhoneRequest, SpanView};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic_service::Prices;
use tonic_service::proto::shop_client::ShopClient;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The shop on a free port of the loopback interface, and its collector.
pub(crate) struct Shop {
    pub(crate) collector: Collector,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) prices: Arc<Prices>,
    channel: Channel,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let collector = Collector::new().with_deadline(PATIENCE);
        let settings =
            rum_trace::Instrumenter::builder().tracer_provider(&collector.tracer_provider());
        let layer = tonic_service::layer(settings).expect("settings are right");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let prices = Arc::new(Prices::default());
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let server = tonic_service::serve(listener, layer, Arc::clone(&prices), stopped);
        let server = tokio::spawn(server);
        let endpoint = Endpoint::try_from(format!("http://{address}")).expect("a URI");
        let channel = endpoint.connect_timeout(PATIENCE).connect().await;
        Shop {
            collector,
            address,
            prices,
            channel: channel.expect("connected"),
            stop: Some(stop),
            server,
        }
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) fn client(&self) -> ShopClient<Channel> {
        ShopClient::new(self.channel())
    }

    /// The one span, forgotten afterwards.
    pub(crate) async fn span(&self) -> Span {
        let spans = self.collector.wait_for_async(1).await;
        let [span] = spans.as_slice() else {
            panic!("one span is expected:\n{}", self.collector.tree())
        };
        self.collector.reset();
        Span(span.clone())
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) async fn close(mut self) {
        self.stop
            .take()
            .expect("still open")
            .send(())
            .expect("still serving");
        self.prices.close();
        // The server waits for its connections to end.
        self.channel = Endpoint::from_static("http://127.0.0.1").connect_lazy();
        let served = in_time(&mut self.server).await;
        served.expect("no panic").expect("no error");
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Waits, but not forever.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

/// A SERVER span of a call.
pub(crate) struct Span(pub(crate) SpanView);

impl Span {
    /// A call of this method that ended with this status, which is an error of
    /// the server, or not.
    #[track_caller]
    pub(crate) fn assert_call(&self, method: &str, status: &str, error: Option<&str>) {
        self.0
            .assert_kind(SpanKind::Server)
            .assert_name(method)
            .assert_attribute("rpc.system.name", "grpc")
            .assert_attribute("rpc.method", method.to_owned())
            .assert_attribute("rpc.response.status_code", status.to_owned())
            .assert_attribute("client.address", "127.0.0.1")
            .assert_attribute("network.protocol.version", "2")
            .assert_no_attribute("rpc.method_original");
        self.assert_error(error);
    }

    /// `error.type` goes with the status Error, and nothing else does.
    #[track_caller]
    pub(crate) fn assert_error(&self, error: Option<&str>) {
        let status = match error {
            Some(error) => {
                self.0.assert_attribute("error.type", error.to_owned());
                Status::error("")
            }
            None => {
                self.0.assert_no_attribute("error.type");
                Status::Unset
            }
        };
        assert_eq!(self.0.data().status, status);
    }
}

/// A message with a phone's headers as its metadata.
pub(crate) fn sent_by<T>(tap: &PhoneRequest, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    for (name, value) in tap.headers() {
        let name = AsciiMetadataKey::from_static(name);
        let value = AsciiMetadataValue::try_from(value.as_str()).expect("a header's value");
        request.metadata_mut().append(name, value);
    }
    request
}
