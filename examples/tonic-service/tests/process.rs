//! The built service, as it is started and stopped.

#![cfg(unix)]

#[path = "../../../crates/rum-trace/tests/support/mod.rs"]
mod support;

use std::process::Command;

use rustix::process::Signal;
use support::PATIENCE;
use support::collector::Collector;
use support::process::Server;
use tonic::transport::Endpoint;
use tonic_service::proto::shop_client::ShopClient;
use tonic_service::proto::{CartLine, WatchPricesRequest};

/// A call that goes on, and one that has no end of its own.
#[tokio::test]
async fn calls_end_before_the_service_and_their_spans_arrive() {
    let collector = Collector::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tonic-service"));
    let server = Server::start(command.arg("127.0.0.1:0"), &collector.endpoint());
    let address = server.address();
    let endpoint = Endpoint::try_from(format!("http://{address}")).expect("a URI");
    let endpoint = endpoint.connect_timeout(PATIENCE).timeout(PATIENCE);
    let channel = endpoint.connect().await.expect("connected");
    let mut shop = ShopClient::new(channel);

    let watched = shop.watch_prices(WatchPricesRequest { at_most: 0 }).await;
    let mut prices = watched.expect("a head").into_inner();
    assert!(prices.message().await.expect("no error").is_some());
    let (lines, sent) = tokio::sync::mpsc::channel(1);
    let sent = tokio_stream::wrappers::ReceiverStream::new(sent);
    let cart = tokio::spawn(async move { shop.fill_cart(sent).await });
    let line = CartLine {
        item_id: 42,
        count: 2,
    };
    // With room for one, the second is there once the first is on its way.
    for _ in 0..2 {
        lines.send(line).await.expect("the shop reads");
    }

    server.signal(Signal::TERM);
    while prices.message().await.expect("it ends in order").is_some() {}
    lines.send(line).await.expect("the shop reads on");
    drop(lines);
    let cart = cart.await.expect("no panic").expect("a cart").into_inner();
    assert_eq!(cart.items, 6);
    server.wait().assert_success();
    let names = ["shop.v1.Shop/FillCart", "shop.v1.Shop/WatchPrices"];
    assert_eq!(collector.names(), names);
}
