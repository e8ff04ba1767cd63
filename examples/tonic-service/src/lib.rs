//! A shop's gRPC backend: what its clients' RUM SDKs begin, its spans go on with.

mod prices;
mod shop;

use std::future::Future;
use std::sync::Arc;

use rum_trace::InstrumenterBuilder;
use rum_trace::tower::RumTraceLayer;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::{TcpConnectInfo, TcpIncoming};

pub use prices::Prices;

/// What `build.rs` makes of `proto/shop.proto`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::doc_markdown,
    clippy::must_use_candidate,
    clippy::semicolon_if_nothing_returned,
    reason = "generated"
)]
pub mod proto {
    tonic::include_proto!("shop.v1");
}

/// The calls that there are. A client may ask for any name: these become
/// `rpc.method` from the first call on, any other one once it has answered.
const METHODS: [&str; 4] = [
    "shop.v1.Shop/GetItem",
    "shop.v1.Shop/WatchPrices",
    "shop.v1.Shop/FillCart",
    "shop.v1.Shop/Haggle",
];

/// The shop's layer on these settings.
///
/// # Errors
///
/// What is wrong with the settings.
pub fn layer(settings: InstrumenterBuilder) -> Result<RumTraceLayer, rum_trace::BuildError> {
    let settings = METHODS
        .into_iter()
        .fold(settings, InstrumenterBuilder::rpc_method);
    let layer = RumTraceLayer::from_builder(settings)?;
    // With the peer's address the spans have client.address.
    Ok(layer.peer(|extensions| extensions.get::<TcpConnectInfo>()?.remote_addr()))
}

/// Serves the shop until `stop` is ready and the calls under way are answered.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    layer: RumTraceLayer,
    prices: Arc<Prices>,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let shop = shop::ShopService { prices };
    Server::builder()
        .layer(layer)
        .add_service(proto::shop_server::ShopServer::new(shop))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), stop)
        .await
}
