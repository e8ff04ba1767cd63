//! gRPC through the gateway: HTTP/2 on both sides, streams, and the status in trailers.

mod support;

use std::sync::Arc;

use rum_trace::Instrumenter;
use rum_trace::opentelemetry::trace::SpanKind;
use rum_trace_testing::{Collector, Phone, PhoneRequest};
use support::{Running, in_time};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::StreamExt;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_service::Prices;
use tonic_service::proto::shop_client::ShopClient;
use tonic_service::proto::{GetItemRequest, Offer};

fn tapped<T>(tap: &PhoneRequest, message: T) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in tap.headers() {
        let name = AsciiMetadataKey::from_static(name);
        let value = AsciiMetadataValue::try_from(value).expect("a value");
        request.metadata_mut().append(name, value);
    }
    request
}

#[tokio::test]
async fn calls_and_streams_pass() {
    let behind = Collector::new();
    let settings = Instrumenter::builder().tracer_provider(&behind.tracer_provider());
    let layer = tonic_service::layer(settings).expect("settings are right");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let shop = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let served = tonic_service::serve(listener, layer, Arc::new(Prices::default()), stopped);
    let served = tokio::spawn(served);

    let gateway = Running::to(&format!("h2c://{shop}")).await;
    let endpoint = Endpoint::try_from(format!("http://{}", gateway.address)).expect("a URL");
    let channel = in_time(endpoint.connect()).await.expect("connected");
    let mut client = ShopClient::new(channel);

    let tap = Phone::browser().tap("POST", "/shop.v1.Shop/GetItem");
    let item = in_time(client.get_item(tapped(&tap, GetItemRequest { id: 42 }))).await;
    let item = item.expect("an item").into_inner();
    assert_eq!(item.seen_by_session.as_deref(), tap.session_id());
    let spans = gateway.collector.wait_for_async(2).await;
    let call = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Client)
        .expect("a call");
    call.assert_attribute("rpc.response.status_code", "OK")
        .assert_name("shop.v1.Shop/GetItem");
    let shops = behind.wait_for_async(1).await;
    assert_eq!(shops[0].parent_span_id(), Some(call.span_id()));
    gateway.collector.reset();

    // The status is in the trailers, or in a head that has no body.
    let tap = Phone::browser().tap("POST", "/");
    let answer = in_time(client.get_item(tapped(&tap, GetItemRequest { id: 0 }))).await;
    assert_eq!(answer.expect_err("no such item").code(), Code::NotFound);
    gateway.collector.wait_for_async(2).await;
    gateway.collector.reset();

    // Both ways at once: each answer comes before the next offer goes.
    let (offers, offered) = tokio::sync::broadcast::channel::<Offer>(4);
    let offered = tokio_stream::wrappers::BroadcastStream::new(offered);
    let offered = offered.map_while(Result::ok);
    offers
        .send(Offer {
            item_id: 42,
            cents: 1,
        })
        .expect("somebody listens");
    let answers = in_time(client.haggle(tapped(&tap, offered))).await;
    let mut answers = answers.expect("a head").into_inner();
    for (cents, sold) in [(499, false), (500, false), (1, true)] {
        let answer = in_time(answers.next())
            .await
            .expect("an answer")
            .expect("no error");
        assert_eq!(answer.sold, sold, "before {cents}");
        offers
            .send(Offer { item_id: 42, cents })
            .expect("somebody listens");
    }
    drop(offers);
    let answer = in_time(answers.next())
        .await
        .expect("an answer")
        .expect("no error");
    assert!(!answer.sold);
    assert!(in_time(answers.next()).await.is_none());
    let spans = gateway.collector.wait_for_async(2).await;
    for span in spans {
        span.assert_attribute("rpc.response.status_code", "OK");
    }

    drop((client, answers));
    gateway.close().await;
    stop.send(()).expect("still serving");
    in_time(served).await.expect("no panic").expect("no error");
}
