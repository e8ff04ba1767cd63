//! The service, called over a real socket by tonic's own client.

mod support;

use rum_trace::opentelemetry::trace::SpanKind;
use rum_trace_testing::Phone;
use support::{Shop, in_time, sent_by};
use tokio_stream::StreamExt;
use tonic::Code;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;
use tonic_service::proto::{CartLine, GetItemRequest, Item, Offer, Price, WatchPricesRequest};

const GET_ITEM: &str = "shop.v1.Shop/GetItem";
const WATCH_PRICES: &str = "shop.v1.Shop/WatchPrices";
const FILL_CART: &str = "shop.v1.Shop/FillCart";
const HAGGLE: &str = "shop.v1.Shop/Haggle";

#[tokio::test]
async fn every_phone_finds_its_tap_on_the_server() {
    let shop = Shop::open().await;
    for phone in [
        Phone::browser(),
        Phone::uniapp(),
        Phone::android(),
        Phone::ios(),
        Phone::browser().sw8(),
    ] {
        let tap = phone.tap("POST", "/shop.v1.Shop/GetItem");
        let request = sent_by(&tap, GetItemRequest { id: 42 });
        let item = in_time(shop.client().get_item(request)).await;
        let item = item.expect("an item").into_inner();
        // The handler knows what the phone told.
        assert_eq!(item.seen_by_session.as_deref(), tap.session_id());
        shop.collector.wait_for_async(1).await;
        shop.collector.assert_continues(&tap).assert_rum(&tap);
        shop.span().await.assert_call(GET_ITEM, "OK", None);
    }
    shop.close().await;
}

#[tokio::test]
async fn a_callers_error_is_none_of_the_servers() {
    let shop = Shop::open().await;
    let table = [
        (0, Code::NotFound, "NOT_FOUND", None),
        (13, Code::Internal, "INTERNAL", Some("INTERNAL")),
        (42, Code::Ok, "OK", None),
    ];
    for (id, code, status, error) in table {
        let answer = in_time(shop.client().get_item(GetItemRequest { id })).await;
        assert_eq!(
            answer.map_or_else(|status| status.code(), |_| Code::Ok),
            code
        );
        let span = shop.span().await;
        span.assert_call(GET_ITEM, status, error);
        // HTTP has nothing to say of it.
        span.0.assert_no_attribute("http.response.status_code");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_method_that_there_is_not() {
    let shop = Shop::open().await;
    for path in ["/shop.v1.Shop/Steal", "/shop.v1.Vault/Open"] {
        let mut client = Grpc::new(shop.channel());
        in_time(client.ready()).await.expect("connected");
        let path = PathAndQuery::from_static(path);
        let request = tonic::Request::new(GetItemRequest { id: 42 });
        let codec = ProstCodec::<GetItemRequest, Item>::default();
        let answer = in_time(client.unary(request, path.clone(), codec)).await;
        assert_eq!(
            answer.expect_err("no such method").code(),
            Code::Unimplemented
        );
        let span = shop.span().await;
        // The name is the client's choice: it is on the span, but names nothing.
        span.0
            .assert_kind(SpanKind::Server)
            .assert_name("grpc")
            .assert_attribute("rpc.method", "_OTHER")
            .assert_attribute("rpc.method_original", path.as_str()[1..].to_owned())
            .assert_attribute("rpc.response.status_code", "UNIMPLEMENTED");
        span.assert_error(Some("UNIMPLEMENTED"));
    }
    shop.close().await;
}

#[tokio::test]
async fn a_server_stream_ends_with_its_trailers() {
    let shop = Shop::open().await;
    let tap = Phone::browser().tap("POST", "/shop.v1.Shop/WatchPrices");
    let request = sent_by(&tap, WatchPricesRequest { at_most: 3 });
    let prices = in_time(shop.client().watch_prices(request)).await;
    let mut prices = prices.expect("a head").into_inner();
    for cents in 1..=3 {
        let spans = shop.collector.spans();
        assert!(spans.is_empty(), "{cents} is still to come: {spans:?}");
        shop.prices.publish(42, cents);
        let price = in_time(prices.message()).await.expect("no error");
        assert_eq!(price, Some(Price { item_id: 42, cents }));
    }
    assert_eq!(in_time(prices.message()).await.expect("OK"), None);
    // No waiting: the span has ended before the client sees the trailers.
    shop.collector.assert_continues(&tap);
    shop.span().await.assert_call(WATCH_PRICES, "OK", None);
    shop.close().await;
}

/// The head has said 200 and the first price was fine; what the call came to is
/// only in the trailers.
#[tokio::test]
async fn a_failure_in_mid_stream_is_the_calls() {
    let shop = Shop::open().await;
    let request = WatchPricesRequest { at_most: 0 };
    let prices = in_time(shop.client().watch_prices(request)).await;
    let mut prices = prices.expect("a head").into_inner();
    shop.prices.publish(42, 1);
    assert!(
        in_time(prices.message())
            .await
            .is_ok_and(|price| price.is_some())
    );
    // On this runtime's one thread nobody reads before the loop is over, so that
    // the watcher falls behind.
    for cents in 0..100 {
        shop.prices.publish(42, cents);
    }
    let failure = loop {
        match in_time(prices.message()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended as if nothing were missing"),
            Err(status) => break status,
        }
    };
    assert_eq!(failure.code(), Code::DataLoss);
    let span = shop.span().await;
    span.assert_call(WATCH_PRICES, "DATA_LOSS", Some("DATA_LOSS"));
    shop.close().await;
}

#[tokio::test]
async fn a_client_that_leaves_in_mid_stream() {
    let shop = Shop::open().await;
    let request = WatchPricesRequest { at_most: 0 };
    let prices = in_time(shop.client().watch_prices(request)).await;
    let mut prices = prices.expect("a head").into_inner();
    shop.prices.publish(42, 1);
    assert!(
        in_time(prices.message())
            .await
            .is_ok_and(|price| price.is_some())
    );
    assert_eq!(shop.prices.watchers(), 1);
    drop(prices);
    let span = shop.span().await;
    assert_eq!(shop.prices.watchers(), 0, "nobody is told any more");
    span.assert_error(Some("client_disconnected_in_body"));
    span.0
        .assert_name(WATCH_PRICES)
        .assert_attribute("rpc.method", WATCH_PRICES)
        .assert_no_attribute("rpc.response.status_code");
    shop.close().await;
}

#[tokio::test]
async fn a_client_stream() {
    let shop = Shop::open().await;
    let tap = Phone::browser().tap("POST", "/shop.v1.Shop/FillCart");
    let lines = [2, 3].map(|count| CartLine { item_id: 42, count });
    let request = sent_by(&tap, tokio_stream::iter(lines));
    let cart = in_time(shop.client().fill_cart(request)).await;
    let cart = cart.expect("a cart").into_inner();
    assert_eq!(cart.items, 5);
    assert_eq!(cart.session.as_deref(), tap.session_id());
    shop.collector.wait_for_async(1).await;
    shop.collector.assert_continues(&tap).assert_rum(&tap);
    shop.span().await.assert_call(FILL_CART, "OK", None);
    shop.close().await;
}

#[tokio::test]
async fn both_stream() {
    let shop = Shop::open().await;
    let (offers, sent) = tokio::sync::mpsc::channel(1);
    let sent = tokio_stream::wrappers::ReceiverStream::new(sent);
    let answers = in_time(shop.client().haggle(sent)).await;
    let mut answers = answers.expect("a head").into_inner();
    for (cents, sold) in [(499, false), (500, true)] {
        let offer = Offer { item_id: 42, cents };
        offers.send(offer).await.expect("the shop listens");
        let answer = in_time(answers.next()).await.expect("an answer");
        assert_eq!(answer.expect("no error").sold, sold);
        assert!(shop.collector.spans().is_empty(), "they are still at it");
    }
    drop(offers);
    assert!(in_time(answers.next()).await.is_none());
    shop.span().await.assert_call(HAGGLE, "OK", None);
    shop.close().await;
}

/// What a shutdown cuts short is not the client's doing.
#[tokio::test]
async fn a_shop_that_closes_ends_its_streams() {
    let shop = Shop::open().await;
    let request = WatchPricesRequest { at_most: 0 };
    let prices = in_time(shop.client().watch_prices(request)).await;
    let mut prices = prices.expect("a head").into_inner();
    let collector = shop.collector.clone();
    shop.close().await;
    assert_eq!(in_time(prices.message()).await.expect("OK"), None);
    let spans = collector.wait_for_async(1).await;
    support::Span(spans[0].clone()).assert_call(WATCH_PRICES, "OK", None);
}
