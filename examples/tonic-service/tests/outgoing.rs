//! The service, called by another one whose calls are CLIENT spans.

mod support;

use std::time::Duration;

use rum_trace::opentelemetry::Context;
use rum_trace::opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use rum_trace::tower::client::{RumTraceClient, RumTraceClientLayer};
use rum_trace::{Instrumenter, RequestInfo};
use rum_trace_testing::{Phone, PhoneRequest, SpanView};
use support::{Shop, in_time};
use tokio_stream::StreamExt;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tonic_service::proto::shop_client::ShopClient;
use tonic_service::proto::{GetItemRequest, WatchPricesRequest};
use tower::ServiceBuilder;

/// A service that a phone taps, and that asks the shop.
struct Caller {
    instrumenter: Instrumenter,
    tap: PhoneRequest,
}

impl Caller {
    fn of(shop: &Shop) -> Self {
        let provider = shop.collector.tracer_provider();
        Caller {
            instrumenter: Instrumenter::builder()
                .tracer_provider(&provider)
                .build()
                .expect("settings are right"),
            tap: Phone::browser().tap("GET", "/checkout"),
        }
    }

    /// The shop's client, by the address that its channel has.
    fn client(&self, shop: &Shop, channel: Channel) -> ShopClient<RumTraceClient<Channel>> {
        let origin = format!("http://{}", shop.address).parse().expect("a URI");
        let layer = RumTraceClientLayer::new(self.instrumenter.clone()).origin(origin);
        ShopClient::new(ServiceBuilder::new().layer(layer).service(channel))
    }

    /// The context of a request that is served.
    fn serve(&self) -> rum_trace::ActiveRequest {
        self.instrumenter.start(&Tapped(&self.tap))
    }
}

struct Tapped<'a>(&'a PhoneRequest);

impl RequestInfo for Tapped<'_> {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/checkout"
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in self.0.headers() {
            visit(name, value.as_bytes());
        }
    }
}

fn within<T>(message: T, cx: &Context) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(cx.clone());
    request
}

fn of_kind(spans: &[SpanView], kind: &SpanKind) -> SpanView {
    let mut of_kind = spans.iter().filter(|span| span.kind() == *kind);
    let span = of_kind.next_back().expect("a span of this kind").clone();
    assert!(
        of_kind.next().is_none_or(|other| other.name() == "GET"),
        "{spans:?}"
    );
    span
}

#[tokio::test]
async fn one_trace_from_the_tap_to_the_shop() {
    let shop = Shop::open().await;
    let caller = Caller::of(&shop);
    let mut active = caller.serve();
    let request = within(GetItemRequest { id: 42 }, active.context());
    let item = in_time(caller.client(&shop, shop.channel()).get_item(request)).await;
    // The session went along.
    let item = item.expect("an item").into_inner();
    assert_eq!(item.seen_by_session.as_deref(), caller.tap.session_id());
    active.on_response(&200);
    active.finish();
    let spans = shop.collector.wait_for_async(3).await;
    let call = of_kind(&spans, &SpanKind::Client);
    call.assert_name("shop.v1.Shop/GetItem")
        .assert_attribute("rpc.system.name", "grpc")
        .assert_attribute("rpc.method", "shop.v1.Shop/GetItem")
        .assert_attribute("rpc.response.status_code", "OK")
        .assert_attribute("server.address", "127.0.0.1")
        .assert_attribute("server.port", i64::from(shop.address.port()))
        .assert_no_attribute("url.full")
        .assert_no_attribute("error.type");
    let served = spans
        .iter()
        .find(|span| span.parent_span_id() == Some(call.span_id()));
    served
        .expect("the shop's span")
        .assert_kind(SpanKind::Server);
    shop.collector.assert_continues(&caller.tap);
    shop.close().await;
}

#[tokio::test]
async fn whatever_is_not_ok_is_an_error_of_the_call() {
    let shop = Shop::open().await;
    let caller = Caller::of(&shop);
    for (id, status) in [(0, "NOT_FOUND"), (13, "INTERNAL")] {
        let active = caller.serve();
        let request = within(GetItemRequest { id }, active.context());
        let answer = in_time(caller.client(&shop, shop.channel()).get_item(request)).await;
        answer.expect_err("an error");
        active.finish();
        let spans = shop.collector.wait_for_async(3).await;
        let call = of_kind(&spans, &SpanKind::Client);
        call.assert_attribute("rpc.response.status_code", status)
            .assert_attribute("error.type", status);
        assert!(matches!(call.data().status, Status::Error { .. }));
        shop.collector.reset();
    }
    shop.close().await;
}

#[tokio::test]
async fn a_stream_ends_its_call_with_its_trailers_or_when_it_is_dropped() {
    let shop = Shop::open().await;
    for (at_most, status) in [(1, "OK"), (0, "CANCELLED")] {
        let caller = Caller::of(&shop);
        let active = caller.serve();
        let request = within(WatchPricesRequest { at_most }, active.context());
        let mut client = caller.client(&shop, shop.channel());
        let prices = in_time(client.watch_prices(request)).await;
        let mut prices = prices.expect("a head").into_inner();
        shop.prices.publish(42, 501);
        in_time(prices.next())
            .await
            .expect("a price")
            .expect("a price");
        active.finish();
        if at_most == 1 {
            assert!(in_time(prices.next()).await.is_none());
        } else {
            let ended = shop.collector.wait_for_async(1).await;
            assert!(
                ended.iter().all(|span| span.kind() != SpanKind::Client),
                "{ended:?}"
            );
        }
        drop(prices);
        let spans = shop.collector.wait_for_async(3).await;
        let call = of_kind(&spans, &SpanKind::Client);
        call.assert_attribute("rpc.response.status_code", status);
        shop.collector.reset();
    }
    shop.close().await;
}

#[tokio::test]
async fn a_shop_that_is_closed_or_too_slow() {
    let shop = Shop::open().await;
    let caller = Caller::of(&shop);
    // A port that is taken, and on which nobody listens.
    let nobody = tokio::net::TcpSocket::new_v4().expect("a socket");
    nobody
        .bind(([127, 0, 0, 1], 0).into())
        .expect("a free port");
    let nowhere = format!("http://{}", nobody.local_addr().expect("an address"));
    // One that takes connections and does not speak.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silence = format!("http://{}", silent.local_addr().expect("an address"));
    let table = [
        (
            nowhere,
            "connection_refused",
            "UNAVAILABLE",
            Code::Unavailable,
        ),
        (silence, "timeout", "DEADLINE_EXCEEDED", Code::Cancelled),
    ];
    for (url, error, status, code) in table {
        let endpoint = Endpoint::try_from(url).expect("a URL");
        let channel = endpoint.timeout(Duration::from_millis(100)).connect_lazy();
        let active = caller.serve();
        let request = within(GetItemRequest { id: 42 }, active.context());
        let answer = in_time(caller.client(&shop, channel).get_item(request)).await;
        assert_eq!(answer.expect_err("an error").code(), code);
        active.finish();
        let spans = shop.collector.wait_for_async(2).await;
        of_kind(&spans, &SpanKind::Client)
            .assert_attribute("error.type", error)
            .assert_attribute("rpc.response.status_code", status)
            .assert_attribute("rpc.method", "shop.v1.Shop/GetItem");
        shop.collector.reset();
    }
    assert!(!Context::current().has_active_span());
    shop.close().await;
}
